//! The use cases' common ground: the repository, the clock, and how edits are made.

use std::sync::Arc;

use hub_circuit_breaker::{BreakerStore, CoolDowns};
use hub_rate_limit::RateLimiter;
use hub_repository::{AuditEntry, Page, Repository};
use hub_session::SessionPool;
use hub_session::Sessions;
use hub_types::{Clock, Secret};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Unit};

use crate::error_rules::ErrorRuleTests;
use crate::params::ListQuery;
use crate::provider_test::ProviderTests;
use crate::status::StatusSource;
use crate::throttle::Throttle;
use crate::webhook_targets::WebhookSender;
use crate::{ManagementError, Principal, Result, cursor};

/// How often an edit is tried when others edit the same row.
const EDIT_TRIES: usize = 5;

/// What the use cases need to be told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The admin credential; `None` = nobody can use it (the command line needs none).
    pub admin_token: Option<Secret>,
    /// How long a web login lasts.
    pub auth_session_ttl: SignedDuration,
    /// May providers be on loopback and private addresses (ALLOW_PRIVATE_UPSTREAMS)?
    pub allow_private_upstreams: bool,
}

/// What people do with the hub. Cheap to share behind an `Arc`.
pub struct Management {
    pub(crate) repository: Arc<dyn Repository>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Settings,
    pub(crate) throttle: Throttle,
    pub(crate) status_source: Option<Arc<dyn StatusSource>>,
    pub(crate) sessions: Option<Arc<Sessions>>,
    pub(crate) session_pool: Option<Arc<SessionPool>>,
    pub(crate) limiter: Option<Arc<dyn RateLimiter>>,
    breakers: Option<(Arc<dyn BreakerStore>, Arc<CoolDowns>)>,
    pub(crate) provider_tests: Option<Arc<dyn ProviderTests>>,
    pub(crate) webhook_sender: Option<Arc<dyn WebhookSender>>,
    pub(crate) error_rule_tests: Option<Arc<dyn ErrorRuleTests>>,
    pub(crate) time_zone: TimeZone,
}

impl Management {
    /// The use cases over a repository.
    pub fn new(repository: Arc<dyn Repository>, clock: Arc<dyn Clock>, settings: Settings) -> Self {
        Self {
            repository,
            clock,
            settings,
            throttle: Throttle::default(),
            status_source: None,
            sessions: None,
            session_pool: None,
            limiter: None,
            breakers: None,
            provider_tests: None,
            webhook_sender: None,
            error_rule_tests: None,
            time_zone: TimeZone::UTC,
        }
    }

    /// The same with a running hub that can report on itself.
    #[must_use]
    pub fn with_status_source(mut self, source: Arc<dyn StatusSource>) -> Self {
        self.status_source = Some(source);
        self
    }

    /// The same with the sessions of a running hub, to watch and to end.
    #[must_use]
    pub fn with_sessions(mut self, sessions: Arc<Sessions>) -> Self {
        self.sessions = Some(sessions);
        self
    }

    /// The sessions, if this process keeps any.
    pub(crate) fn sessions(&self) -> Result<&Sessions> {
        self.sessions.as_deref().ok_or(ManagementError::NoSessions)
    }

    /// The same with the session pool that requests borrow from.
    #[must_use]
    pub fn with_session_pool(mut self, pool: Arc<SessionPool>) -> Self {
        self.session_pool = Some(pool);
        self
    }

    /// The same with the counters of a running hub's limits; `None` = it counts nothing. They must know what they
    /// are asked, or read it from the ledger themselves.
    #[must_use]
    pub fn with_limiter(mut self, limiter: Option<Arc<dyn RateLimiter>>) -> Self {
        self.limiter = limiter;
        self
    }

    /// The same with the circuit breakers of a running hub and the pauses of its providers.
    #[must_use]
    pub fn with_breakers(mut self, breakers: Arc<dyn BreakerStore>, pauses: Arc<CoolDowns>) -> Self {
        self.breakers = Some((breakers, pauses));
        self
    }

    /// Breakers and pauses, if this process knows any.
    pub(crate) fn breakers(&self) -> Result<(&dyn BreakerStore, &CoolDowns)> {
        let (breakers, pauses) = self.breakers.as_ref().ok_or(ManagementError::NoBreakers)?;
        Ok((breakers.as_ref(), pauses))
    }

    /// The same with somebody who can ask providers.
    #[must_use]
    pub fn with_provider_tests(mut self, tests: Arc<dyn ProviderTests>) -> Self {
        self.provider_tests = Some(tests);
        self
    }

    /// The same with somebody who can send to webhook targets.
    #[must_use]
    pub fn with_webhook_sender(mut self, sender: Arc<dyn WebhookSender>) -> Self {
        self.webhook_sender = Some(sender);
        self
    }

    /// The same with somebody who knows what becomes of a provider's answer.
    #[must_use]
    pub fn with_error_rule_tests(mut self, tests: Arc<dyn ErrorRuleTests>) -> Self {
        self.error_rule_tests = Some(tests);
        self
    }

    /// The same with the zone that times of day are in; it is UTC otherwise.
    #[must_use]
    pub fn with_time_zone(mut self, zone: TimeZone) -> Self {
        self.time_zone = zone;
        self
    }

    /// The current time as the databases keep it: whole microseconds.
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.clock.now();
        now.round(Unit::Microsecond).unwrap_or(now)
    }

    /// The entry that goes into the audit log together with a change.
    pub(crate) fn audit(&self, principal: &Principal, action: &str, target: String) -> AuditEntry {
        AuditEntry {
            at: self.now(),
            actor: principal.actor.to_string(),
            action: action.to_owned(),
            target,
            before: None,
            after: None,
            address: principal.address.map(|address| address.to_string()),
            success: true,
        }
    }

    /// A time of change that differs from the one before, however coarse the clock is.
    pub(crate) fn later_than(&self, seen: Timestamp) -> Timestamp {
        let soonest = seen.checked_add(SignedDuration::from_micros(1)).unwrap_or(seen);
        self.now().max(soonest)
    }
}

/// Tries an edit again when somebody else was faster. `edit` reads the row afresh each time.
pub(crate) async fn retry_on_conflict<T, F>(mut edit: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    for _ in 1..EDIT_TRIES {
        match edit().await {
            Err(ManagementError::Conflict) => {}
            done => return done,
        }
    }
    edit().await
}

/// The repository's page for a list query: one row more than wanted, to see whether there is a next page.
pub(crate) fn page(query: &ListQuery) -> Result<Page> {
    let after = query.cursor.as_deref().map(cursor::to_id).transpose()?;
    Ok(Page { after, limit: query.limit.saturating_add(1) })
}
