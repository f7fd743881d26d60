//! The session pool and its keys, in the words of its own interface: camelCase names.

use std::fmt;

use hub_session::{PoolRules, PoolStats};
use hub_types::{ApiKey, KeyId, Permission, SessionId, UserId};
use jiff::Timestamp;
use serde::Serialize;

/// A hub key. The credential itself is never in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolKeyView {
    /// The row.
    pub id: KeyId,
    /// What its owner calls it.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Whose key it is.
    pub user_id: UserId,
    /// Switched off keys are refused.
    pub is_enabled: bool,
    /// Are session ids seen on this key collected?
    pub collect_session: bool,
    /// Tokens since creation or reset; null = no limit.
    pub token_limit: Option<u64>,
    /// Sessions at once; null = no limit.
    pub concurrency_limit: Option<u32>,
    /// Which dialects it may speak.
    pub permissions: Permission,
    /// The last four characters of the credential.
    pub key_last4: String,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When a request last used it (to the minute).
    pub last_used_at: Option<Timestamp>,
}

impl From<&ApiKey> for PoolKeyView {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name.clone(),
            description: key.description.clone(),
            user_id: key.user_id,
            is_enabled: key.is_enabled,
            collect_session: key.collect_session,
            token_limit: key.token_limit,
            concurrency_limit: key.limit_concurrent_sessions,
            permissions: key.permissions,
            key_last4: key.key_last4.clone(),
            created_at: key.created_at,
            last_used_at: key.last_used_at,
        }
    }
}

/// A key that was just made: the only time that its credential is shown.
#[derive(Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewPoolKeyView {
    /// The key.
    #[serde(flatten)]
    pub view: PoolKeyView,
    /// The credential.
    pub api_key: String,
}

impl fmt::Debug for NewPoolKeyView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewPoolKeyView").field("view", &self.view).finish_non_exhaustive()
    }
}

/// The pool at this moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolStatsView {
    /// The session that is lent; null = none was collected yet.
    pub current_session: Option<String>,
    /// How many sessions there are.
    pub pool_size: usize,
    /// Their ids, in order.
    pub sessions: Vec<String>,
    /// When the current session last changed; null = it is the first one.
    pub last_switch_time: Option<Timestamp>,
    /// The settings that it lives by.
    pub config: PoolConfigView,
}

/// The pool's settings.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolConfigView {
    /// Is the current session lent?
    pub enabled: bool,
    /// With fewer sessions the current one stays, unless it is changed by hand.
    pub min_size: usize,
    /// The most sessions.
    pub max_size: usize,
    /// How likely a request moves the pool on, 0 to 1.
    pub switch_probability: f64,
    /// The least time between two such moves, milliseconds.
    pub min_switch_interval_ms: u64,
}

impl From<&PoolRules> for PoolConfigView {
    fn from(rules: &PoolRules) -> Self {
        Self {
            enabled: rules.enabled,
            min_size: rules.min_size,
            max_size: rules.max_size,
            switch_probability: rules.switch_probability,
            min_switch_interval_ms: u64::try_from(rules.min_switch_interval.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl From<&PoolStats> for PoolStatsView {
    fn from(stats: &PoolStats) -> Self {
        Self {
            current_session: stats.state.current.as_ref().map(SessionId::to_string),
            pool_size: stats.state.members.len(),
            sessions: stats.state.members.iter().map(SessionId::to_string).collect(),
            last_switch_time: stats.state.last_switch,
            config: PoolConfigView::from(&stats.rules),
        }
    }
}

/// The pool moved on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolSwitchView {
    /// The current session before.
    pub previous_session: Option<String>,
    /// The current session now.
    pub current_session: String,
}

/// The pool was emptied but for its current session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolClearedView {
    /// How many sessions went.
    pub removed: usize,
    /// The one that stays.
    pub current_session: Option<String>,
}
