//! Why a request gets no answer from a provider, and whose fault that is.
//!
//! The texts here are for clients: they say what happened and what to do, and never name a provider, its URL
//! or a credential. How they look on the wire is decided in `render`.

use std::time::Duration;

use http::StatusCode;
use thiserror::Error;

use crate::limit::LimitReached;
use crate::nobody::Nobody;
use hub_formats::convert::Refusal;
use hub_http::BodyError;
use hub_types::{Dialect, ErrorClass};

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The client's: the same request will fail again.
    Client,
    /// The hub's: its configuration or its stores.
    Hub,
    /// The provider's.
    Upstream,
}

/// What may be tried after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Nothing: it would fail again.
    Never,
    /// The same again, later.
    Later,
}

/// A request that the hub answers itself.
#[derive(Debug, Error)]
pub enum ProxyError {
    /// The body could not be read.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The body is not what the endpoint takes.
    #[error("{0}")]
    InvalidRequest(String),
    /// Only providers of other dialects are left, and theirs have no words for it.
    #[error(
        "no provider of the {dialect} API can be asked now, and it can't be said to another one: {refusal}"
    )]
    NotConvertible {
        /// The client's.
        dialect: Dialect,
        /// What can't be said, and why.
        refusal: Refusal,
    },
    /// No endpoint of this path.
    #[error("there is no endpoint {0} here: check the base URL of your client")]
    UnknownPath(String),
    /// No model of this name.
    #[error("there is no model `{0}` for your key: GET /v1/models lists those that there are")]
    UnknownModel(String),
    /// The endpoint is there, but not for this method.
    #[error("this endpoint takes {0} only")]
    WrongMethod(&'static str),
    /// WebSocket is not served: clients fall back to HTTP after this answer.
    #[error("WebSocket is not served here: use HTTP")]
    WebSocket,
    /// No credential at all.
    #[error("no API key: send your hub key as `Authorization: Bearer`, `x-api-key` or `x-goog-api-key`")]
    MissingCredential,
    /// Two places, two values.
    #[error("the request carries two different API keys: send one")]
    ConflictingCredentials,
    /// Nobody has this key.
    #[error("this API key is unknown: check that it is a key of this hub, copied whole")]
    UnknownKey,
    /// Too many unknown keys from one address.
    #[error("too many requests with a wrong API key from your address: try again in {} s", .retry_after.as_secs())]
    TooManyFailures {
        /// Until the address may try again.
        retry_after: Duration,
    },
    /// The key or its user is switched off or has expired.
    #[error("{0}: ask the administrator of this hub")]
    AccessClosed(AccessClosed),
    /// The key is for another dialect.
    #[error("this key may not be used with the {0} API: ask the administrator of this hub")]
    DialectNotPermitted(Dialect),
    /// The user may not ask for this model.
    #[error("model `{0}` is not allowed for your user: ask the administrator of this hub")]
    ModelNotAllowed(String),
    /// The user may not use this client program.
    #[error("client `{0}` is not allowed for your user: ask the administrator of this hub")]
    ClientNotAllowed(String),
    /// A limit of the key or its user is reached.
    #[error("{0}")]
    LimitReached(Box<LimitReached>),
    /// No provider is left to try.
    #[error("no provider can serve this request: {0}")]
    NoProvider(Box<Nobody>),
    /// The user's or key's data can't be read.
    #[error("the hub can't check API keys at the moment: try again in a few seconds")]
    DirectoryUnavailable,
    /// The upstream gave no usable answer.
    #[error("{}", describe_failure(*.0))]
    UpstreamFailed(ErrorClass),
    /// The hub is shutting down.
    #[error("the hub is restarting: try again in a few seconds")]
    ShuttingDown,
    /// The upstream stopped in the middle of a stream.
    #[error("the provider stopped in the middle of its answer")]
    Truncated,
}

/// Which of the doors is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AccessClosed {
    /// The key is switched off.
    #[error("this API key is disabled")]
    KeyDisabled,
    /// The key's time is over.
    #[error("this API key has expired")]
    KeyExpired,
    /// The user is switched off.
    #[error("the user of this API key is disabled")]
    UserDisabled,
    /// The user's time is over.
    #[error("the user of this API key has expired")]
    UserExpired,
}

const fn describe_failure(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Network => "the provider could not be reached",
        ErrorClass::Timeout => "the provider did not answer in time",
        ErrorClass::Credential => "the provider refused the hub's account: ask the administrator of this hub",
        ErrorClass::Overloaded => "the provider is overloaded",
        ErrorClass::Throttled => "the provider is throttling the hub",
        _ => "the provider failed to answer",
    }
}

impl ProxyError {
    /// The status that the client sees.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Body(BodyError::TooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body(BodyError::UnknownCoding(_)) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Body(BodyError::TooSlow) => StatusCode::REQUEST_TIMEOUT,
            Self::Body(BodyError::Corrupt(_) | BodyError::Broken)
            | Self::InvalidRequest(_)
            | Self::NotConvertible { .. }
            | Self::ModelNotAllowed(_)
            | Self::ClientNotAllowed(_) => StatusCode::BAD_REQUEST,
            Self::UnknownPath(_) | Self::UnknownModel(_) => StatusCode::NOT_FOUND,
            Self::WrongMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::WebSocket => StatusCode::UPGRADE_REQUIRED,
            Self::MissingCredential | Self::ConflictingCredentials | Self::UnknownKey => {
                StatusCode::UNAUTHORIZED
            }
            Self::TooManyFailures { .. } | Self::LimitReached(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::AccessClosed(_) | Self::DialectNotPermitted(_) => StatusCode::FORBIDDEN,
            Self::NoProvider(_)
            | Self::DirectoryUnavailable
            | Self::ShuttingDown
            | Self::UpstreamFailed(ErrorClass::Overloaded | ErrorClass::Throttled) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::UpstreamFailed(ErrorClass::Timeout) => StatusCode::GATEWAY_TIMEOUT,
            Self::UpstreamFailed(_) | Self::Truncated => StatusCode::BAD_GATEWAY,
        }
    }

    /// The stable word for logs, metrics and records.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Body(BodyError::TooLarge { .. }) => "request_too_large",
            Self::Body(BodyError::UnknownCoding(_)) => "unsupported_encoding",
            Self::Body(BodyError::TooSlow) => "body_too_slow",
            Self::Body(BodyError::Corrupt(_) | BodyError::Broken) => "invalid_body",
            Self::InvalidRequest(_) => "invalid_request",
            Self::NotConvertible { .. } => "not_convertible",
            Self::UnknownPath(_) => "unknown_path",
            Self::UnknownModel(_) => "model_not_found",
            Self::WrongMethod(_) => "wrong_method",
            Self::WebSocket => "websocket_not_served",
            Self::MissingCredential => "missing_api_key",
            Self::ConflictingCredentials => "conflicting_api_keys",
            Self::UnknownKey => "invalid_api_key",
            Self::TooManyFailures { .. } => "too_many_failed_credentials",
            Self::AccessClosed(AccessClosed::KeyDisabled) => "key_disabled",
            Self::AccessClosed(AccessClosed::KeyExpired) => "key_expired",
            Self::AccessClosed(AccessClosed::UserDisabled) => "user_disabled",
            Self::AccessClosed(AccessClosed::UserExpired) => "user_expired",
            Self::DialectNotPermitted(_) => "dialect_not_permitted",
            Self::ModelNotAllowed(_) => "model_not_allowed",
            Self::ClientNotAllowed(_) => "client_not_allowed",
            Self::LimitReached(reached) => reached.limit_type(),
            Self::NoProvider(_) => "no_provider",
            Self::DirectoryUnavailable => "store_unavailable",
            Self::UpstreamFailed(class) => match class {
                ErrorClass::Network => "upstream_unreachable",
                ErrorClass::Timeout => "upstream_timeout",
                ErrorClass::Credential => "upstream_credential",
                ErrorClass::Overloaded => "upstream_overloaded",
                ErrorClass::Throttled => "upstream_throttled",
                _ => "upstream_failed",
            },
            Self::ShuttingDown => "shutting_down",
            Self::Truncated => "upstream_truncated",
        }
    }

    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        match self {
            Self::NoProvider(_) | Self::DirectoryUnavailable | Self::ShuttingDown => Blame::Hub,
            Self::UpstreamFailed(_) | Self::Truncated => Blame::Upstream,
            _ => Blame::Client,
        }
    }

    /// What the client may do about it.
    pub fn retry(&self) -> Retry {
        match self {
            Self::TooManyFailures { .. }
            | Self::LimitReached(_)
            | Self::Body(BodyError::TooSlow | BodyError::Broken) => Retry::Later,
            _ if self.blame() == Blame::Client => Retry::Never,
            _ => Retry::Later,
        }
    }

    /// When to try again, where that is known. The hub's own 429 says so, unless no waiting helps.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyFailures { retry_after } => Some(*retry_after),
            Self::LimitReached(reached) => reached.retry_after(),
            Self::DirectoryUnavailable | Self::ShuttingDown => Some(Duration::from_secs(2)),
            _ => None,
        }
    }
}
