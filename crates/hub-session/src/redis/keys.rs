//! Every key in Redis that sessions use, and how long it lasts. Operators and tools know these names.

use std::time::Duration;

use jiff::Timestamp;

use hub_types::{KeyId, ProviderId, SessionId, UserId};

use crate::{ConversationHash, Limits};

/// The pattern of all bindings.
pub(super) const BINDINGS: &str = "session:*:provider";
/// The pattern of all conversation hashes.
pub(super) const CONVERSATIONS: &str = "hash:*";
/// All sessions, by when they were last seen.
pub(super) const ACTIVE: &str = "global:active_sessions";
/// How long the counter of a session's requests lasts, in seconds.
pub(super) const SEQUENCE_SECONDS: i64 = 24 * 3600;
/// How long requests in flight are believed in, in seconds, if nothing more is heard of the session.
pub(super) const IN_FLIGHT_SECONDS: i64 = 600;
/// The shortest time that a set of active sessions lasts.
const ROSTER: Duration = Duration::from_secs(3600);

/// What there is of a session besides its binding, which is always removed last.
pub(super) const BELONGINGS: [&str; 8] =
    ["key", "info", "usage", "last_seen", "messages", "response", "concurrent_count", "seq"];

/// The binding: a provider's id.
pub(super) fn binding(session: &str) -> String {
    of(session, "provider")
}

/// One of the keys of a session: see [`BELONGINGS`].
pub(super) fn of(session: &str, what: &str) -> String {
    ["session:", session, ":", what].concat()
}

/// The session whose binding this key is.
pub(super) fn bound_session(key: &str) -> Option<&str> {
    key.strip_prefix("session:")?.strip_suffix(":provider").filter(|session| !session.is_empty())
}

/// The entry of a conversation hash: the session of whoever goes on from there.
pub(super) fn conversation(key: KeyId, hash: ConversationHash) -> String {
    format!("hash:{key}:{hash}")
}

/// The key's active sessions.
pub(super) fn at_key(key: KeyId) -> String {
    format!("key:{key}:active_sessions")
}

/// The user's active sessions.
pub(super) fn at_user(user: UserId) -> String {
    format!("user:{user}:active_sessions")
}

/// The provider's active sessions.
pub(super) fn at_provider(provider: ProviderId) -> String {
    format!("provider:{provider}:active_sessions")
}

/// The time that each key lasts, in the units of the commands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lifetimes {
    /// What belongs to a session, in ms.
    pub(super) session: i64,
    /// The entry of a conversation hash, in ms.
    pub(super) conversation: i64,
    /// An entry with less than this left is renewed, in ms.
    pub(super) renewal: i64,
    /// A set of active sessions, in seconds.
    pub(super) roster_seconds: i64,
}

impl Lifetimes {
    pub(super) fn of(limits: &Limits) -> Self {
        let roster = limits.ttl.max(ROSTER);
        Self {
            session: millis(limits.ttl),
            conversation: millis(limits.conversation_ttl),
            renewal: millis(limits.renew_threshold),
            roster_seconds: millis(roster).saturating_add(999) / 1000,
        }
    }

    /// Whoever was last seen then, or before, does not count any more.
    pub(super) fn cutoff(&self, now: Timestamp) -> i64 {
        now.as_millisecond().saturating_sub(self.session)
    }

    /// Whoever was last seen then, or before, is not remembered at a provider any more.
    pub(super) fn keep_from(&self, now: Timestamp) -> i64 {
        now.as_millisecond().saturating_sub(self.roster_seconds.saturating_mul(1000))
    }
}

/// Whole milliseconds, at least one: Redis refuses a time to live of zero.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4096).clamp(1, i64::MAX / 4096)
}

/// The binding of a session that is known to be one.
pub(super) fn binding_of(session: &SessionId) -> String {
    binding(session.as_str())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Lifetimes, binding, bound_session};
    use crate::Limits;

    #[test]
    fn a_binding_names_its_session_whatever_the_id_holds() {
        for session in ["k1.a", "k1.a:b", "k1.a:provider", "k1.session:x:provider"] {
            assert_eq!(bound_session(&binding(session)), Some(session));
        }
        for other in ["session::provider", "session:k1.a:info", "hash:1:provider", "session:provider"] {
            assert_eq!(bound_session(other), None, "{other}");
        }
    }

    #[test]
    fn a_roster_lasts_an_hour_or_as_long_as_a_session() {
        let limits = |seconds| Limits { ttl: Duration::from_secs(seconds), ..Limits::default() };
        assert_eq!(Lifetimes::of(&limits(300)).roster_seconds, 3600);
        assert_eq!(Lifetimes::of(&limits(7200)).roster_seconds, 7200);
        assert_eq!(Lifetimes::of(&Limits { ttl: Duration::ZERO, ..Limits::default() }).session, 1);
    }
}
