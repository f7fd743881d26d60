//! The last bodies of a session, kept for people to look at (STORE_SESSION_MESSAGES): what is kept of them,
//! and where the process keeps it.

mod redact;
mod shelf;
mod structure;

use bytes::Bytes;

use hub_types::Dialect;

pub use redact::{redact_request, redact_response};
pub use shelf::MessageShelf;

/// Of larger bodies only their size is kept.
pub const MAX_MESSAGE_BYTES: usize = 1 << 20;

/// Which half of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MessagePart {
    /// The request, as the client sent it.
    Request,
    /// The answer, as the client got it.
    Response,
}

/// What is kept of bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MessageStorage {
    /// Nothing.
    #[default]
    Off,
    /// Their structure, with every text replaced by its length.
    Redacted,
    /// All of them.
    Full,
}

impl MessageStorage {
    /// What is to be kept of a body: nothing, its structure, a note of its size, or all of it. A copy, so that
    /// what is kept holds on to no larger buffer.
    pub fn of(self, part: MessagePart, dialect: Dialect, body: &[u8]) -> Option<Bytes> {
        match (self, part) {
            (Self::Off, _) => None,
            (Self::Redacted, MessagePart::Request) => Some(redact_request(dialect, body).into()),
            (Self::Redacted, MessagePart::Response) => Some(redact_response(dialect, body).into()),
            (Self::Full, _) if body.len() > MAX_MESSAGE_BYTES => Some(size_note(body.len()).into()),
            (Self::Full, _) => Some(Bytes::copy_from_slice(body)),
        }
    }

    /// What is kept of a body that is not at hand whole: a note of its size, or nothing.
    pub fn of_size(self, bytes: usize) -> Option<Bytes> {
        (self != Self::Off).then(|| size_note(bytes).into())
    }
}

/// What is kept of a session's last exchange.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredMessages {
    /// The request.
    pub request: Option<Bytes>,
    /// The answer.
    pub response: Option<Bytes>,
}

/// What stands for a body that is not kept: a JSON string.
fn size_note(bytes: usize) -> Vec<u8> {
    format!("\"[{bytes} bytes]\"").into_bytes()
}

#[cfg(test)]
mod tests {
    use hub_types::Dialect;

    use super::{MAX_MESSAGE_BYTES, MessagePart, MessageStorage};

    #[test]
    fn what_is_kept_is_what_was_asked_for() {
        let body = br#"{"model":"m","system":"secret"}"#;
        let kept = |storage: MessageStorage, part| storage.of(part, Dialect::Claude, body);
        for part in [MessagePart::Request, MessagePart::Response] {
            assert_eq!(kept(MessageStorage::Off, part), None);
            assert_eq!(kept(MessageStorage::Full, part).unwrap(), body.as_slice());
            let redacted = kept(MessageStorage::Redacted, part).unwrap();
            assert_eq!(redacted, r#"{"model":"m","system":"[6 characters]"}"#);
        }
        assert_eq!(MessageStorage::Off.of_size(7), None);
    }

    #[test]
    fn of_a_large_body_only_the_size_is_kept() {
        let body = vec![b' '; MAX_MESSAGE_BYTES + 1];
        for storage in [MessageStorage::Redacted, MessageStorage::Full] {
            for part in [MessagePart::Request, MessagePart::Response] {
                assert_eq!(storage.of(part, Dialect::OpenAi, &body).unwrap(), r#""[1048577 bytes]""#);
            }
            assert_eq!(storage.of_size(1_048_577), storage.of(MessagePart::Response, Dialect::OpenAi, &body));
        }
    }
}
