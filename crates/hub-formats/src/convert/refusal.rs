//! Why a request can't be converted.

use std::borrow::Cow;

use thiserror::Error;

use crate::scan::ScanError;

/// The client is told: status 400, invalid request. The provider is not called.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The body is not JSON.
    #[error(transparent)]
    Malformed(#[from] ScanError),
    /// A member is missing or of the wrong kind.
    #[error("{message}")]
    Invalid {
        /// Which one.
        param: Cow<'static, str>,
        /// What is wrong.
        message: Cow<'static, str>,
    },
    /// The provider's dialect has no words for it, and without it the request would mean something else.
    #[error("{param}: {reason}")]
    Unsupported {
        /// Which member.
        param: Cow<'static, str>,
        /// Why.
        reason: Cow<'static, str>,
    },
}

impl Refusal {
    /// The member that is to blame.
    pub fn param(&self) -> Option<&str> {
        match self {
            Self::Malformed(_) => None,
            Self::Invalid { param, .. } | Self::Unsupported { param, .. } => Some(param),
        }
    }

    pub(crate) fn invalid(param: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid { param: Cow::Borrowed(param), message: message.into() }
    }

    pub(crate) fn unsupported(
        param: impl Into<Cow<'static, str>>,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Unsupported { param: param.into(), reason: reason.into() }
    }
}
