//! Sessions, as people see them.

use hub_repository::{Names, NamesWanted};
use hub_session::ActiveSession;
use hub_types::{Dialect, KeyId, Money, ProviderId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{List, RequestView};
use crate::schema;

/// An active session: one conversation of one client. Ordinary users are not told its provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    /// The session: `k`, the key's id, a dot and the client's own id.
    pub session_id: String,
    /// Who talks.
    #[schema(value_type = Option<i64>)]
    pub user_id: Option<UserId>,
    /// Their name.
    pub user_name: Option<String>,
    /// With which key.
    #[schema(value_type = i64)]
    pub key_id: KeyId,
    /// Its name.
    pub key_name: Option<String>,
    /// The provider that the session is bound to, else the one that answered last.
    #[schema(value_type = Option<i64>)]
    pub provider_id: Option<ProviderId>,
    /// Its name.
    pub provider_name: Option<String>,
    /// Does the session keep to a provider?
    pub is_bound: bool,
    /// The model asked for.
    pub model: Option<String>,
    /// In which language.
    #[schema(required = false, schema_with = schema::optional_dialect)]
    pub dialect: Option<Dialect>,
    /// Requests that have ended.
    pub requests: u64,
    /// Their input tokens, cached ones included.
    pub input_tokens: u64,
    /// Their output tokens.
    pub output_tokens: u64,
    /// What they cost.
    #[schema(schema_with = schema::money)]
    pub cost_usd: Money,
    /// When the session was first seen.
    pub started_at: Option<Timestamp>,
    /// When it was last seen.
    pub last_seen_at: Timestamp,
    /// Since it was first seen, ms.
    pub age_ms: Option<u64>,
    /// Requests under way.
    pub in_flight: u32,
    /// The status of its last answer.
    pub last_status: Option<u16>,
}

impl SessionView {
    /// Shows a session; `with_provider` is false for ordinary users.
    pub(crate) fn of(session: &ActiveSession, names: &Names, now: Timestamp, with_provider: bool) -> Self {
        let key_id = session.session.key();
        let key = names.keys.get(&key_id);
        let user_id = session.user.or_else(|| key.map(|key| key.user_id));
        let provider_id = session.provider.filter(|_| with_provider);
        let age = |started| u64::try_from(now.duration_since(started).as_millis()).unwrap_or_default();
        Self {
            session_id: session.session.to_string(),
            user_id,
            user_name: user_id
                .and_then(|id| names.users.get(&id).cloned())
                .or_else(|| key.filter(|key| Some(key.user_id) == user_id).map(|key| key.user_name.clone())),
            key_id,
            key_name: key.map(|key| key.name.clone()),
            provider_id,
            provider_name: provider_id.and_then(|id| names.providers.get(&id).cloned()),
            is_bound: session.is_bound,
            model: session.model.clone(),
            dialect: session.dialect,
            requests: session.usage.requests,
            input_tokens: session.usage.input_tokens,
            output_tokens: session.usage.output_tokens,
            cost_usd: session.usage.cost,
            started_at: session.started,
            last_seen_at: session.last_seen,
            age_ms: session.started.map(age),
            in_flight: session.in_flight,
            last_status: session.last_status,
        }
    }
}

/// An active session, and its requests in the order in which they came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionDetailView {
    /// What the list shows of it.
    #[serde(flatten)]
    pub session: SessionView,
    /// Its requests, oldest first: a page.
    pub request_log: List<RequestView>,
    /// The last request's body, if such are kept (STORE_SESSION_MESSAGES); for admins only.
    #[schema(schema_with = schema::kept_message)]
    pub messages: Option<Value>,
    /// The last answer's body, if such are kept; JSON, or the text of an event stream. For admins only.
    #[schema(schema_with = schema::kept_message)]
    pub response: Option<Value>,
}

/// Sessions to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TerminateFields {
    /// Which: 1 to 200.
    #[schema(min_items = 1, max_items = 200)]
    pub session_ids: Vec<String>,
}

/// What became of a session that was to be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndOutcome {
    /// Nothing is remembered of it any more.
    Ended,
    /// Nothing was known of it.
    NotFound,
    /// The session store stopped answering before it was its turn: try again.
    Failed,
}

/// One session that was to be ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionEndView {
    /// Which.
    pub session_id: String,
    /// What became of it.
    pub outcome: EndOutcome,
}

/// Sessions that were to be ended, in the order in which they were named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TerminatedView {
    /// One row a session.
    pub items: Vec<SessionEndView>,
    /// How many were ended.
    pub ended: u64,
}

/// Whose names a page of sessions needs.
pub(crate) fn names_wanted<'s>(sessions: impl IntoIterator<Item = &'s ActiveSession>) -> NamesWanted {
    let mut wanted = NamesWanted::default();
    for session in sessions {
        wanted.keys.insert(session.session.key());
        wanted.users.extend(session.user);
        wanted.providers.extend(session.provider);
    }
    wanted
}
