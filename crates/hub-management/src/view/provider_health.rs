//! How a provider stands.

use hub_types::ProviderId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::WindowView;

/// How a provider stands at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProviderHealthView {
    /// Which.
    #[schema(value_type = i64)]
    pub provider_id: ProviderId,
    /// `closed`: in use; `open`: left alone; `half-open`: tried, one request at a time.
    pub breaker: String,
    /// Counted failures: in a row while closed, since it was last closed otherwise.
    pub failures: u32,
    /// When the breaker opened, unless it is closed.
    pub opened_at: Option<Timestamp>,
    /// When an open one will be tried.
    pub reopens_at: Option<Timestamp>,
    /// Is a trial under way?
    pub is_on_trial: bool,
    /// Until when it pauses, because it asked for that.
    pub paused_until: Option<Timestamp>,
    /// Its limits of money, as far as they are known.
    pub windows: Vec<WindowView>,
}
