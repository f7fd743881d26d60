//! What people see and write: rows with the columns' names as field names, money as decimal strings.
//!
//! `…Fields` are the columns that people write, `…View` adds those that the hub writes.

mod audit;
mod key;
mod limits;
mod list;
mod provider;
mod provider_group;
mod request;
mod secret;
mod session;
mod status;
mod usage;
mod user;

pub use audit::AuditView;
pub use key::{KeyFields, KeyView, NewKeyView};
pub use limits::LimitFields;
pub use list::List;
pub use provider::{ProviderFields, ProviderView, RedirectView, RuleView};
pub use provider_group::{ProviderGroupFields, ProviderGroupView};
pub use request::{AttemptView, CostBreakdownView, RequestDetailView, RequestView, StageView};
pub use secret::WriteOnly;
pub(crate) use session::names_wanted;
pub use session::{
    EndOutcome, SessionDetailView, SessionEndView, SessionView, TerminateFields, TerminatedView,
};
pub use status::{ActorView, DatabaseView, HubReport, JournalView, StatusView, StoreView};
pub use usage::{UsageSummaryView, UsageView};
pub use user::{UserFields, UserView};
