//! What a provider said of a failure, as error rules look at it.

use std::borrow::Cow;

use bytes::Bytes;

use hub_formats::tap::UpstreamError;
use hub_routing::MOST_ERROR_TEXT;

use crate::redact::redact;

/// See the module's documentation.
pub(crate) struct Said {
    /// The type of the error.
    pub(crate) kind: Option<String>,
    /// Its code.
    pub(crate) code: Option<String>,
    /// Its message, redacted.
    pub(crate) message: Option<String>,
    /// As much of the body as is looked at.
    body: Bytes,
}

impl Said {
    /// In the words of the dialect, as far as there are any in the body.
    pub(crate) fn new(reported: UpstreamError, body: &Bytes) -> Self {
        let UpstreamError { kind, code, message } = reported;
        let message = message.filter(|message| !message.trim().is_empty());
        Self { kind, code, message, body: body.slice(..body.len().min(MOST_ERROR_TEXT)) }
    }

    /// In no words that the dialect has; `None` = in none at all.
    pub(crate) fn without_words(body: &Bytes, secrets: &[Vec<u8>]) -> Option<Self> {
        let body = body.slice(..body.len().min(MOST_ERROR_TEXT));
        (!body.trim_ascii().is_empty()).then(|| Self::new(UpstreamError::default(), &redact(body, secrets)))
    }

    /// The message, or the body where there is none.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match &self.message {
            Some(message) => Cow::Borrowed(message),
            None => String::from_utf8_lossy(&self.body),
        }
    }
}
