//! How one answer behaves: its delays, its size, its figures and its faults.

use std::collections::BTreeMap;

use hub_types::Usage;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The request header that scripts one answer.
pub(crate) const HEADER: &str = "x-lab";

/// What an answer should do. Every field is optional, so that one behaviour can be laid over another; what no
/// layer sets falls back to a plain, healthy answer of eight chunks.
///
/// As JSON (`{"status":429,"retry_after":2}`) in scenarios and in the `x-lab` header, or in the header's short
/// form: `status=429; retry_after=2; crlf` (a bare key means `true`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// HTTP status. 400 and above answers with an error body in the caller's dialect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The error's type (Gemini: status word) instead of the one that belongs to the HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// The error's message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// The error's code, in the dialects that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// `retry-after` in seconds. A 429 without it says 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// Milliseconds between the whole request and the answer's head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// Milliseconds between the head (and what precedes content) and the first content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_chunk_ms: Option<u64>,
    /// Content chunks of a stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunks: Option<u32>,
    /// Milliseconds between content chunks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunk_ms: Option<u64>,
    /// Bytes of text in a content chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunk_bytes: Option<u32>,
    /// Bytes of text in the whole answer; without it, `chunks` × `chunk_bytes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_bytes: Option<u64>,
    /// The text itself, instead of a generated one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Generate text with multi-byte characters and characters that JSON escapes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unicode: Option<bool>,
    /// Stop a stream after so many content chunks; a whole body stops half way. `cut` says how.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncate_after: Option<u32>,
    /// How a truncated answer ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
    /// End the connection instead of answering. `cut=reset` resets it, anything else closes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_head: Option<bool>,
    /// An error with HTTP status 200: as the body, or as the first frame of a stream. `status` then names the
    /// error only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_in_200: Option<bool>,
    /// With `error_in_200` in a stream: the error comes after so many content chunks, properly preceded by what
    /// opens a stream (0: between that and the first content).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_after: Option<u32>,
    /// A body that no client can read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub malformed: Option<Malformed>,
    /// Hand the body to the transport in pieces of so many bytes, each flushed by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<u32>,
    /// End the lines of a stream with CR LF.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crlf: Option<bool>,
    /// Put a comment line before every frame of a stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comments: Option<bool>,
    /// Uncached input tokens to report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<u64>,
    /// Output tokens to report, reasoning included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<u64>,
    /// Reasoning tokens to report (not in the Claude dialect, which has no such figure).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<u64>,
    /// Cached input tokens to report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<u64>,
    /// Tokens written to the five-minute cache (Claude dialect only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_5m: Option<u64>,
    /// Tokens written to the one-hour cache (Claude dialect only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<u64>,
    /// Report no usage at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_usage: Option<bool>,
    /// End the answer with a call of a tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_call: Option<bool>,
    /// The called tool's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<String>,
    /// The called tool's arguments, as the text of a JSON object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_arguments: Option<String>,
    /// Send the caller on an errand: its shell has to put this word behind `errand-`. While the request does
    /// not hold the outcome, the answer calls the shell tool that the request offers; then it tells the outcome.
    /// A request that offers no shell gets the answer that the rest of the behaviour describes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errand: Option<String>,
    /// Begin the answer with a thought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking: Option<bool>,
    /// The text is the SHA-256 of the received body, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub echo_hash: Option<bool>,
    /// More response headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, String>>,
}

/// How a truncated answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// HTTP says that the body is whole; what it should contain is missing.
    #[default]
    Clean,
    /// The connection is closed although HTTP promised more.
    Close,
    /// The connection is reset (RST).
    Reset,
}

/// Ways to be unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Malformed {
    /// JSON that breaks off; in a stream, one frame of it.
    Json,
    /// A web page, as a broken gateway sends it.
    Html,
    /// No bytes at all.
    Empty,
}

/// A behaviour or scenario that cannot be read.
#[derive(Debug)]
pub struct ScriptError(String);

impl std::fmt::Display for ScriptError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot read the lab script: {}", self.0)
    }
}

impl std::error::Error for ScriptError {}

impl ScriptError {
    pub(crate) fn new(reason: impl std::fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

impl Behaviour {
    /// Reads the value of an `x-lab` header: JSON if it begins with a brace, else `k=v; k=v`.
    pub fn from_header(text: &str) -> Result<Self, ScriptError> {
        let text = text.trim();
        if text.starts_with('{') {
            return serde_json::from_str(text).map_err(ScriptError::new);
        }
        let mut fields = Map::new();
        for pair in text.split(';').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, "true"));
            let value = value.trim();
            // Numbers and booleans speak for themselves; everything else is text.
            let value = match serde_json::from_str(value) {
                Ok(parsed @ (Value::Bool(_) | Value::Number(_))) => parsed,
                _ => Value::from(value),
            };
            fields.insert(key.trim().to_owned(), value);
        }
        serde_json::from_value(Value::Object(fields)).map_err(ScriptError::new)
    }

    /// Lays `over` over `self`: what `over` sets, wins.
    pub fn overlay(&mut self, over: &Self) {
        macro_rules! overlay {
            ($($field:ident)*) => { $( if over.$field.is_some() { self.$field.clone_from(&over.$field); } )* };
        }
        overlay!(status error_type error_message error_code retry_after latency_ms first_chunk_ms chunks chunk_ms
            chunk_bytes body_bytes text unicode truncate_after cut no_head error_in_200 error_after malformed split
            crlf comments input output reasoning cache_read cache_write_5m cache_write_1h no_usage tool_call
            tool_name tool_arguments errand thinking echo_hash headers);
    }

    /// The usage figures of this behaviour, with the built-in ones where it says nothing.
    pub fn usage(&self) -> Usage {
        Usage {
            input: self.input.unwrap_or(120),
            output: self.output.unwrap_or(34),
            reasoning: self.reasoning.unwrap_or(0),
            cache_read: self.cache_read.unwrap_or(0),
            cache_write_5m: self.cache_write_5m.unwrap_or(0),
            cache_write_1h: self.cache_write_1h.unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_json_headers_mean_the_same() {
        let short = Behaviour::from_header("status=429; retry_after=2;crlf;cut=reset ; error_type=slow_down")
            .unwrap();
        let json = Behaviour::from_header(
            r#"{"status":429,"retry_after":2,"crlf":true,"cut":"reset","error_type":"slow_down"}"#,
        )
        .unwrap();
        assert_eq!(short, json);
        assert_eq!(short.status, Some(429));
        assert_eq!(short.cut, Some(Cut::Reset));
    }

    #[test]
    fn unknown_words_are_refused_rather_than_ignored() {
        assert!(Behaviour::from_header("statsu=500").is_err());
        assert!(Behaviour::from_header("status=often").is_err());
        assert!(Behaviour::from_header("malformed=xml").is_err());
    }

    #[test]
    fn overlay_keeps_what_the_upper_layer_leaves_open() {
        let mut base = Behaviour { status: Some(500), chunks: Some(3), ..Behaviour::default() };
        base.overlay(&Behaviour { status: Some(200), split: Some(1), ..Behaviour::default() });
        assert_eq!(
            base,
            Behaviour { status: Some(200), chunks: Some(3), split: Some(1), ..Behaviour::default() }
        );
    }

    #[test]
    fn overlay_knows_every_field() {
        let all: Behaviour = serde_json::from_value(serde_json::json!({
            "status": 1, "error_type": "a", "error_message": "a", "error_code": "a", "retry_after": 1,
            "latency_ms": 1, "first_chunk_ms": 1, "chunks": 1, "chunk_ms": 1, "chunk_bytes": 1, "body_bytes": 1,
            "text": "a", "unicode": true, "truncate_after": 1, "cut": "close", "no_head": true,
            "error_in_200": true, "error_after": 1, "malformed": "json", "split": 1, "crlf": true,
            "comments": true, "input": 1, "output": 1, "reasoning": 1, "cache_read": 1, "cache_write_5m": 1,
            "cache_write_1h": 1, "no_usage": true, "tool_call": true, "tool_name": "a", "tool_arguments": "{}",
            "errand": "a", "thinking": true, "echo_hash": true, "headers": {"a": "b"}
        }))
        .unwrap();
        let mut base = Behaviour::default();
        base.overlay(&all);
        assert_eq!(base, all);
    }
}
