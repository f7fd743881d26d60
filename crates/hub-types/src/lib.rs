//! The nouns of the hub, and nothing but nouns: ids, money, usage, dialects, users, keys, providers and the
//! record of a request.
//!
//! Everything here is plain data with its own parsing and validation. No I/O, no clock (only the [`Clock`]
//! trait that the edges implement), no async. Every other crate may depend on this one; it depends on none.

mod access;
mod clock;
mod credential;
mod decimal;
mod dialect;
mod endpoint;
mod error_rule;
mod id;
mod limits;
mod money;
mod prices;
mod provider;
mod proxy_url;
mod record;
mod routing;
mod rules;
mod service_tier;
mod session;
mod usage;
mod webhook;

pub use access::{ApiKey, Caller, GroupSet, Permission, Role, User};
pub use clock::{Clock, SystemClock};
pub use credential::{HubKey, HubKeyError, KeyHash, Secret};
pub use dialect::{Dialect, UnknownDialect};
pub use endpoint::Endpoint;
pub use error_rule::{ErrorRule, NoStatus, StatusMatch, TextMatch};
pub use id::{AttemptId, ErrorRuleId, KeyId, ProviderId, RequestId, UserId, WebhookTargetId};
pub use limits::{MoneyLimits, ResetMode};
pub use money::{Money, ParseMoneyError};
pub use prices::{Multiplier, ParseMultiplierError, PriceRow, PriceSource};
pub use provider::{
    ClientAbortPolicy, Conversion, FailBack, Provider, ProviderGroup, ProviderType, Timeouts,
    UnknownProviderType,
};
pub use proxy_url::{ProxyLogin, ProxyScheme, ProxyUrl, ProxyUrlError};
pub use record::{
    Attempt, AttemptReason, ClientInfo, CostBreakdown, ErrorClass, LIMIT_WORDS, LedgerLine, OpenRequest,
    Outcome, RequestRecord, StageCount, Timings,
};
pub use routing::{
    BindingRecord, Convertible, PickRecord, PickRule, ProviderShape, RoutingRecord, RoutingStep,
};
pub use rules::{MatchKind, ModelRedirect, ModelRule};
pub use service_tier::ServiceTier;
pub use session::{NoSessionId, SessionId};
pub use usage::{Usage, UsageSource};
pub use webhook::{AlertEvent, WebhookKind, WebhookTarget};
