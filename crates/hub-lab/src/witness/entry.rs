//! The shapes of what a witness remembers.

use http::{HeaderMap, Method};
use hub_types::{Dialect, Usage};
use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::route::Call;

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It has not ended yet.
    InProgress,
    /// Its last byte was handed to the transport.
    Complete,
    /// The script broke it off.
    Cut,
    /// The reader went away, or the lab died, before the end.
    ClientGone,
}

/// Running totals. Never dropped, whatever happens to the details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Requests read as a whole.
    pub received: u64,
    /// Answers begun.
    pub answered: u64,
    /// Of these, answers with status 400 or above.
    pub refused: u64,
    /// Answers whose last byte was handed to the transport.
    pub completed: u64,
    /// Answers that the script broke off.
    pub cut: u64,
    /// Answers whose reader went away first.
    pub client_gone: u64,
    /// Bytes of request bodies.
    pub request_bytes: u64,
    /// Bytes of response bodies, of answers that ended.
    pub response_bytes: u64,
    /// Tokens that ended answers reported, also the unfinished ones.
    pub usage: Usage,
    /// Tokens that completed answers reported.
    pub completed_usage: Usage,
}

/// One answered request.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Counts answers from 1, in the order in which they began.
    pub sequence: u64,
    /// The request's `x-lab-id` header.
    pub lab_id: Option<String>,
    /// The dialect of the path.
    pub dialect: Dialect,
    /// What was called.
    pub call: Call,
    /// HTTP method.
    #[serde(serialize_with = "as_text")]
    pub method: Method,
    /// Path and query as received.
    pub path: String,
    /// The model asked for; empty if none was.
    pub model: String,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// Headers as received, in order of arrival of each name.
    #[serde(serialize_with = "pairs")]
    pub headers: HeaderMap,
    /// SHA-256 of the body as received. `None` when hashing is off.
    #[serde(serialize_with = "hex_text")]
    pub request_sha256: Option<[u8; 32]>,
    /// Length of the body as received.
    pub request_bytes: u64,
    /// HTTP status of the answer.
    pub status: u16,
    /// The usage that the bytes sent report. `None` if they report none.
    pub usage: Option<Usage>,
    /// SHA-256 of the body bytes sent, set when the answer ended. `None` when hashing is off.
    #[serde(serialize_with = "hex_text")]
    pub response_sha256: Option<[u8; 32]>,
    /// Length of the body bytes sent, set when the answer ended.
    pub response_bytes: u64,
    /// How the answer ended.
    pub outcome: Outcome,
    /// When the request was complete, in microseconds since the lab started.
    pub received_us: u64,
    /// When the answer began.
    pub answered_us: u64,
    /// When the answer ended.
    pub finished_us: Option<u64>,
}

impl Entry {
    /// Whether the answer was sent to its end.
    pub fn is_complete(&self) -> bool {
        self.outcome == Outcome::Complete
    }

    /// The value of a received header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether any received header name or value contains this text; to assert that a secret did not arrive.
    pub fn headers_contain(&self, text: &str) -> bool {
        self.headers.iter().any(|(name, value)| {
            name.as_str().contains(text) || memchr::memmem::find(value.as_bytes(), text.as_bytes()).is_some()
        })
    }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|half| DIGITS.get(usize::from(half)))
        .collect()
}

#[expect(clippy::ref_option, reason = "the shape that serde calls")]
fn hex_text<S: Serializer>(hash: &Option<[u8; 32]>, serializer: S) -> Result<S::Ok, S::Error> {
    hash.map(|hash| hex(&hash)).serialize(serializer)
}

fn as_text<S: Serializer>(method: &Method, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(method.as_str())
}

fn pairs<S: Serializer>(headers: &HeaderMap, serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(headers.len()))?;
    for (name, value) in headers {
        list.serialize_element(&(name.as_str(), String::from_utf8_lossy(value.as_bytes())))?;
    }
    list.end()
}
