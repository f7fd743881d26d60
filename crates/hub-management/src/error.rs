//! What can go wrong when people do things, as they are told.

use hub_rate_limit::LimiterUnavailable;
use hub_repository::RepositoryError;
use hub_session::{PoolError, StoreUnavailable};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

/// One field of the input that can't be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// The field's name, as in the input.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl FieldError {
    /// An error about a field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// A refused or failed action. `Display` is meant for the person who asked; it holds no secret.
#[derive(Debug, Error)]
pub enum ManagementError {
    /// The input can't be taken, for these reasons.
    #[error("{}", summary(.0))]
    Invalid(Vec<FieldError>),
    /// There is no such thing, or not for this actor.
    #[error("there is no such thing, or it is not yours")]
    NotFound,
    /// The actor is known, but may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// No credential, or one that nobody has.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The row was edited by others again and again while this edit was tried.
    #[error("somebody else is editing the same row: read it again and retry")]
    Conflict,
    /// Another living row has the same value in a column that must be unique.
    #[error("another one has the same {field}")]
    Duplicate {
        /// The column.
        field: &'static str,
    },
    /// Too many failed credentials from one address.
    #[error("too many failed logins from this address: try again in {retry_after} s")]
    Throttled {
        /// Seconds until the next try is heard.
        retry_after: u64,
    },
    /// The session is not in the session pool.
    #[error("this session is not in the pool: `sessions` of its statistics lists those that are")]
    NotInPool,
    /// The session pool has not two members to switch between.
    #[error("the pool holds {size} of the 2 sessions that a switch needs")]
    PoolTooSmall {
        /// How many there are.
        size: usize,
    },
    /// The database does not answer.
    #[error("the database does not answer: try again later")]
    Unavailable(String),
    /// Nothing in this process knows of sessions: it serves no requests.
    #[error("this process keeps no sessions")]
    NoSessions,
    /// The store of the sessions does not answer.
    #[error("the session store does not answer: try again later")]
    SessionsUnavailable(String),
    /// Nothing in this process counts against limits.
    #[error("limits are not counted here: this process serves no requests, or ENABLE_RATE_LIMIT is false")]
    NoLimits,
    /// This process has no circuit breakers.
    #[error("circuit breakers are known to a running hub only: ask one")]
    NoBreakers,
    /// Nobody in this process can ask providers.
    #[error("providers are tested by a running hub: ask one")]
    NoProviderTests,
    /// Nobody in this process can send to webhook targets.
    #[error("webhook targets are tried out by a running hub: ask one")]
    NoWebhooks,
    /// Nobody in this process knows what becomes of a provider's answer.
    #[error("error rules are tried out by a running hub: ask one")]
    NoErrorRuleTests,
    /// How much of the limits is taken can't be told at the moment.
    #[error("the counters of limits do not answer: try again later")]
    LimitsUnavailable(String),
    /// The session store failed while bindings were cleared. Nothing new binds to the providers meanwhile.
    #[error(
        "{sessions} session bindings were cleared, then the session store failed: up to {left} are left, \
         running it again finishes"
    )]
    PartlyCleared {
        /// Sessions cleared.
        sessions: u64,
        /// Conversation hashes cleared.
        conversations: u64,
        /// Sessions left, as of the last count; fewer if an answer of the store was lost.
        left: u64,
        /// What failed; for the log, not for the caller.
        reason: String,
    },
    /// The hub's configuration does not fit its database; the text is for its log, not for the caller.
    #[error("the hub is not set up right: its log says why")]
    Misconfigured(String),
    /// The hub is at fault; the text is for its log, not for the caller.
    #[error("the hub failed: its log says why")]
    Internal(String),
}

impl ManagementError {
    /// The stable word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid",
            Self::NotFound => "not_found",
            Self::Forbidden(_) => "forbidden",
            Self::Unauthenticated(_) => "unauthenticated",
            Self::Conflict => "conflict",
            Self::Duplicate { .. } => "duplicate",
            Self::Throttled { .. } => "throttled",
            Self::Unavailable(_) => "unavailable",
            Self::NoSessions => "no_sessions",
            Self::SessionsUnavailable(_) => "sessions_unavailable",
            Self::NoLimits => "no_limits",
            Self::NoBreakers => "no_breakers",
            Self::NoProviderTests => "no_provider_tests",
            Self::NoWebhooks => "no_webhooks",
            Self::NoErrorRuleTests => "no_error_rule_tests",
            Self::LimitsUnavailable(_) => "limits_unavailable",
            Self::PartlyCleared { .. } => "partly_cleared",
            Self::NotInPool => "not_in_pool",
            Self::PoolTooSmall { .. } => "pool_too_small",
            Self::Misconfigured(_) => "misconfigured",
            Self::Internal(_) => "internal",
        }
    }

    /// The fields at fault, if the error is about fields.
    pub fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Duplicate { field } => vec![FieldError::new(*field, "is taken by another one")],
            _ => Vec::new(),
        }
    }

    /// What operators should read in the log about it, if there is more than the caller is told.
    pub fn internal(&self) -> Option<&str> {
        match self {
            Self::Unavailable(text)
            | Self::SessionsUnavailable(text)
            | Self::LimitsUnavailable(text)
            | Self::PartlyCleared { reason: text, .. }
            | Self::Misconfigured(text)
            | Self::Internal(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(field, message)])
    }
}

fn summary(fields: &[FieldError]) -> String {
    let parts: Vec<_> = fields.iter().map(|error| format!("{}: {}", error.field, error.message)).collect();
    format!("the input can't be taken: {}", parts.join("; "))
}

impl From<StoreUnavailable> for ManagementError {
    fn from(error: StoreUnavailable) -> Self {
        Self::SessionsUnavailable(error.0)
    }
}

impl From<LimiterUnavailable> for ManagementError {
    fn from(error: LimiterUnavailable) -> Self {
        Self::LimitsUnavailable(error.0)
    }
}

impl From<PoolError> for ManagementError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::TooFew { size } => Self::PoolTooSmall { size },
            PoolError::NotAMember => Self::NotInPool,
            PoolError::Unavailable(error) => Self::SessionsUnavailable(error.0),
        }
    }
}

impl From<RepositoryError> for ManagementError {
    fn from(error: RepositoryError) -> Self {
        match error {
            RepositoryError::Unavailable(text) => Self::Unavailable(text),
            RepositoryError::Duplicate { field } => Self::Duplicate { field },
            RepositoryError::Conflict => Self::Conflict,
            RepositoryError::NotFound => Self::NotFound,
            error @ (RepositoryError::SchemaTooNew { .. }
            | RepositoryError::SchemaTooOld { .. }
            | RepositoryError::Unsealable) => Self::Misconfigured(error.to_string()),
            error @ RepositoryError::Database(_) => Self::Internal(error.to_string()),
        }
    }
}
