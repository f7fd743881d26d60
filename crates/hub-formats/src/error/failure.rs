//! What an upstream says of a failure, understood, and said again in another dialect.

use hub_types::Dialect;

use super::{ErrorBody, ErrorKind};
use crate::convert::tape::{Tape, View};

/// A failure with what the vendor said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its kind.
    pub kind: ErrorKind,
    /// The vendor's words, at most 2 KiB of them, **not** redacted.
    pub message: String,
}

const MAX_MESSAGE: usize = 2048;

impl Failure {
    pub(crate) fn new(kind: ErrorKind, message: &str) -> Self {
        let mut end = message.len().min(MAX_MESSAGE);
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        Self { kind, message: message.get(..end).unwrap_or_default().to_owned() }
    }

    /// Reads the error object of any dialect.
    pub(crate) fn read(error: View<'_>) -> Self {
        let message =
            error.str_at("message").or_else(|| error.str()).unwrap_or("the upstream reported an error");
        let words = ["code", "status", "type"].map(|key| error.str_at(key));
        let by_word = words.into_iter().flatten().find_map(ErrorKind::of_word);
        let by_number = error.get("code").and_then(View::u64).and_then(ErrorKind::of_status);
        let mut kind = by_word.or(by_number).unwrap_or(ErrorKind::Api);
        if kind == ErrorKind::Invalid && is_too_long(message) {
            kind = ErrorKind::ContextLength;
        }
        Self::new(kind, message)
    }

    /// As clients of `dialect` get it.
    pub(crate) fn body(&self, dialect: Dialect) -> ErrorBody<'_> {
        ErrorBody::new(self.kind, self.kind.status(dialect), &self.message)
    }
}

/// What an upstream says with a status that is not a success.
pub fn read_failure(status: u16, body: &[u8]) -> Failure {
    let kind = ErrorKind::of_status(status.into()).unwrap_or(ErrorKind::Api);
    let mut tape = Tape::default();
    let Ok(view) = tape.read(body) else {
        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        // A web page is nothing that a client could show.
        let message = if text.is_empty() || text.starts_with('<') { "the upstream failed" } else { text };
        return Failure::new(kind, message);
    };
    let view = view.items().next().unwrap_or(view);
    let told = Failure::read(view.get("error").unwrap_or(view));
    // Words say more than the status where they name one of these.
    let kind = match told.kind {
        ErrorKind::ContextLength | ErrorKind::Billing => told.kind,
        _ if kind == ErrorKind::Invalid && is_too_long(&told.message) => ErrorKind::ContextLength,
        _ => kind,
    };
    Failure { kind, ..told }
}

/// The body of an error answer, as clients of `dialect` read it.
pub fn render_failure(failure: &Failure, dialect: Dialect) -> Vec<u8> {
    failure.body(dialect).render(dialect)
}

/// Does a vendor complain about the length of the conversation?
fn is_too_long(message: &str) -> bool {
    let words = ["prompt is too long", "maximum context length", "exceeds the maximum number of tokens"];
    words.iter().any(|words| message.contains(words))
}
