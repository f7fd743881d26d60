//! What a vendor wants back unread: signatures and sealed thoughts, and the envelope in which they travel through
//! a client of another dialect.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Who issued it, and for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Claude's signature of a thinking block.
    Claude,
    /// Claude's redacted thinking.
    ClaudeRedacted,
    /// OpenAI's encrypted reasoning.
    OpenAi,
    /// Gemini's signature of a thought.
    GeminiThought,
    /// Gemini's signature of the call that follows.
    GeminiCall,
}

impl Origin {
    const ALL: [Self; 5] =
        [Self::Claude, Self::ClaudeRedacted, Self::OpenAi, Self::GeminiThought, Self::GeminiCall];

    const fn code(self) -> &'static str {
        match self {
            Self::Claude => "a",
            Self::ClaudeRedacted => "ar",
            Self::OpenAi => "o",
            Self::GeminiThought => "g",
            Self::GeminiCall => "gn",
        }
    }

    pub(crate) const fn is_gemini(self) -> bool {
        matches!(self, Self::GeminiThought | Self::GeminiCall)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opaque<'a> {
    pub(crate) origin: Origin,
    pub(crate) payload: Cow<'a, str>,
}

/// No hub writes anything else in front of a payload.
const PREFIX: &str = "h1.";

impl<'a> Opaque<'a> {
    pub(crate) fn new(origin: Origin, payload: Cow<'a, str>) -> Self {
        Self { origin, payload }
    }

    /// What stands in a field of a client whose own values are of `native` origin. `None` = nobody's we know.
    pub(crate) fn read(native: Origin, field: Cow<'a, str>) -> Option<Self> {
        if field.is_empty() {
            return None;
        }
        if let Some(opaque) = open(&field) {
            return Some(opaque);
        }
        if field.starts_with(PREFIX) {
            return None; // of a hub of another version
        }
        if native.is_gemini()
            && let Ok(bytes) = URL_SAFE_NO_PAD.decode(field.trim_end_matches('='))
            && let Ok(text) = std::str::from_utf8(&bytes)
            && text.starts_with(PREFIX)
        {
            return open(text);
        }
        // A client may have been moved here from another vendor with its history.
        let origin = match native {
            Origin::Claude if field.starts_with("gAAAA") => Origin::OpenAi,
            origin => origin,
        };
        Some(Self { origin, payload: field })
    }

    /// As a client of another vendor carries it.
    pub(crate) fn envelope(&self) -> String {
        format!("{PREFIX}{}.{}", self.origin.code(), self.payload)
    }

    /// As a Gemini client carries it: its field holds bytes.
    pub(crate) fn envelope_base64(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.envelope())
    }
}

fn open(text: &str) -> Option<Opaque<'static>> {
    let (code, payload) = text.strip_prefix(PREFIX)?.split_once('.')?;
    let origin = Origin::ALL.into_iter().find(|origin| origin.code() == code)?;
    Some(Opaque { origin, payload: Cow::Owned(payload.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::{Opaque, Origin};

    #[test]
    fn an_envelope_opens_to_what_was_put_in() {
        for origin in Origin::ALL {
            let opaque = Opaque::new(origin, "ab.c=/+".into());
            assert_eq!(Opaque::read(Origin::Claude, opaque.envelope().into()).unwrap(), opaque);
            let gemini = opaque.envelope_base64();
            assert_eq!(Opaque::read(Origin::GeminiCall, gemini.into()).unwrap(), opaque);
        }
    }

    #[test]
    fn a_value_without_envelope_is_its_vendors_own() {
        let own = Opaque::read(Origin::Claude, "EqQBCkg".into()).unwrap();
        assert_eq!(own.origin, Origin::Claude);
        assert_eq!(Opaque::read(Origin::Claude, "gAAAAABo".into()).unwrap().origin, Origin::OpenAi);
        assert_eq!(Opaque::read(Origin::Claude, "h1.zz.x".into()), None);
        assert_eq!(Opaque::read(Origin::Claude, "".into()), None);
    }
}
