//! The few fields of a request body that shape the answer.

use std::borrow::Cow;

use serde::Deserialize;

/// Top-level fields, found by a real parse: a `"stream":true` inside a message must not count.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Probe<'a> {
    #[serde(borrow, default)]
    pub(crate) model: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(crate) stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
}

#[derive(Debug, Default, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: Option<bool>,
}

impl<'a> Probe<'a> {
    /// Parses a body, which must be one JSON object.
    pub(crate) fn read(body: &'a [u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(body)
    }

    /// Whether a chat stream should end with a usage chunk.
    pub(crate) fn include_usage(&self) -> bool {
        self.stream_options.as_ref().and_then(|options| options.include_usage).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_top_level_fields_count() {
        let body =
            br#"{"messages":[{"stream":true,"model":"x","content":"\"stream\":true"}],"model":"a\u0062"}"#;
        let probe = Probe::read(body).unwrap();
        assert_eq!(probe.stream, None);
        assert_eq!(probe.model.as_deref(), Some("ab"));
        assert!(!probe.include_usage());
        let probe = Probe::read(br#"{"stream":true,"stream_options":{"include_usage":true}}"#).unwrap();
        assert_eq!((probe.stream, probe.include_usage()), (Some(true), true));
        assert!(Probe::read(b"[1").is_err());
    }
}
