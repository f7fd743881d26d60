//! A limit that is reached: what the client is told of it.

use std::fmt;
use std::time::Duration;

use hub_session::Scope;
use hub_types::Caller;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Which limit, and how far it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitKind {
    /// Sessions at once.
    ConcurrentSessions {
        /// Sessions that count now.
        current: u32,
        /// How many may.
        limit: u32,
    },
}

/// A request that would be over a limit of its key or user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitReached {
    kind: LimitKind,
    /// `key "laptop"` or `user "ada"`.
    whose: String,
    /// When there is room again.
    reset: Timestamp,
    retry_after: Duration,
}

impl LimitReached {
    /// Tells `caller` of a limit that has room again at `reset`.
    pub(crate) fn new(
        caller: &Caller,
        scope: Scope,
        kind: LimitKind,
        reset: Timestamp,
        now: Timestamp,
    ) -> Self {
        let whose = match scope {
            Scope::Key => format!("key \"{}\"", caller.key.name),
            Scope::User => format!("user \"{}\"", caller.user.name),
        };
        let wait = Duration::try_from(reset.duration_since(now)).unwrap_or_default();
        // Whole seconds, rounded up: who comes back then finds room.
        let retry_after =
            Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(SECOND);
        Self { kind, whose, reset, retry_after }
    }

    /// When it is worth trying again; whole seconds, at least one.
    pub const fn retry_after(&self) -> Duration {
        self.retry_after
    }

    /// The stable word: `error.limit_type`.
    pub const fn limit_type(&self) -> &'static str {
        match self.kind {
            LimitKind::ConcurrentSessions { .. } => "concurrent_sessions",
        }
    }

    /// What is added to the error object.
    pub(crate) fn members(&self) -> Map<String, Value> {
        let LimitKind::ConcurrentSessions { current, limit } = self.kind;
        Map::from_iter([
            ("limit_type".to_owned(), json!(self.limit_type())),
            ("current".to_owned(), json!(current)),
            ("limit".to_owned(), json!(limit)),
            ("reset".to_owned(), json!(self.reset.to_string())),
        ])
    }

    /// Limit, what remains of it, and the reset as seconds since 1970: the `x-ratelimit-*` headers.
    pub(crate) fn headers(&self) -> [(&'static str, String); 3] {
        let LimitKind::ConcurrentSessions { current, limit } = self.kind;
        [
            ("x-ratelimit-limit", limit.to_string()),
            ("x-ratelimit-remaining", limit.saturating_sub(current).to_string()),
            ("x-ratelimit-reset", (self.reset.as_second() + 1).to_string()),
        ]
    }
}

const SECOND: Duration = Duration::from_secs(1);

impl fmt::Display for LimitReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LimitKind::ConcurrentSessions { current, limit } = self.kind;
        write!(
            f,
            "{} has {current} of {limit} concurrent sessions: end one, or try again in {} s",
            self.whose,
            self.retry_after.as_secs()
        )
    }
}
