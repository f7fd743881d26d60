//! Recorded requests under another configuration, as people ask for it and see it.

use std::collections::BTreeMap;

use hub_types::ProviderId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Patch;
use crate::draft::Columns;

/// What the changes are made to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhatIfBase {
    /// The configuration that each request went by.
    #[default]
    Then,
    /// The present one.
    Now,
}

/// What becomes of sessions that were bound to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhatIfSessions {
    /// They stay where they were bound, as far as the changes let them: what would happen at once.
    #[default]
    Keep,
    /// They choose anew with every request: what would happen in the long run. The comparison is with the same
    /// requests without bindings, too.
    Choose,
}

/// Which requests, and what would be different.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct WhatIfFields {
    /// From this moment on; default: 24 hours before `to`.
    pub from: Option<Timestamp>,
    /// Before this moment; default: now.
    pub to: Option<Timestamp>,
    /// By provider id: a merge patch of the columns that choosing goes by.
    #[schema(value_type = BTreeMap<String, Object>)]
    pub changes: BTreeMap<i64, Patch>,
    /// What the changes are made to.
    pub base: WhatIfBase,
    /// What becomes of bound sessions.
    pub sessions: WhatIfSessions,
}

impl Columns for WhatIfFields {
    const REQUIRED: &'static [&'static str] = &[];
    const READ_ONLY: &'static [&'static str] = &[];
}

/// What one provider would have got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhatIfProviderView {
    /// Who.
    #[schema(value_type = i64)]
    pub provider_id: ProviderId,
    /// Its name today, or its last one.
    pub provider_name: Option<String>,
    /// Requests that came to it first.
    pub before: u64,
    /// Requests that would have come to it first.
    pub after: u64,
}

/// Requests that would have gone elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhatIfMoveView {
    /// From whom; null = nobody was there for them.
    #[schema(value_type = Option<i64>)]
    pub from: Option<ProviderId>,
    /// To whom; null = nobody would be there for them.
    #[schema(value_type = Option<i64>)]
    pub to: Option<ProviderId>,
    /// How many.
    pub requests: u64,
}

/// Who would have been asked first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhatIfView {
    /// From this moment on.
    pub from: Timestamp,
    /// Before this moment; earlier than asked for if there were too many requests.
    pub to: Timestamp,
    /// Were there more requests than are looked at in one go? Then `to` is where it stopped.
    pub is_cut: bool,
    /// Requests in that time.
    pub requests: u64,
    /// Those of them that never got as far as a choice, or whose record does not say what it went by.
    pub not_recorded: u64,
    /// Those of them whose configuration is forgotten.
    pub forgotten: u64,
    /// Those that would have gone to the same provider.
    pub same: u64,
    /// Those that would have gone to another one.
    pub moved: u64,
    /// Those for which nobody would have been there any more.
    pub lost: u64,
    /// Those for which nobody was there, and somebody would have been.
    pub gained: u64,
    /// Provider by provider.
    pub providers: Vec<WhatIfProviderView>,
    /// What would have gone from whom to whom, the most first; at most 100.
    pub moves: Vec<WhatIfMoveView>,
}
