//! What an operator should hear of at once, told to whoever passes it on. Who hears of it, how, and how often is
//! not decided here.

use hub_types::ProviderId;
use jiff::Timestamp;

/// Something about a provider that an operator should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Which.
    pub provider: ProviderId,
    /// What operators call it.
    pub name: String,
    /// What happened.
    pub kind: AlertKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlertKind {
    /// Its circuit breaker opened.
    BreakerOpened {
        /// Counted failures that led there.
        failures: u32,
        /// When it will be tried again.
        reopens_at: Option<Timestamp>,
    },
    /// It refuses the hub's credential, or its account has no credit.
    CredentialFailing {
        /// The failure in words, redacted.
        message: String,
    },
}

/// Takes alerts. Called on the path of requests: it must not block.
pub trait AlertSink: Send + Sync + 'static {
    /// Something happened.
    fn raise(&self, alert: Alert);
}
