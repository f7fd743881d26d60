//! Reading usage, model, errors and the end off an answer while its bytes pass.
//!
//! The tap never delays or alters a byte and tolerates anything: garbage yields no usage, not an error. It
//! works on streams (SSE, or the JSON list that Gemini sends without `alt=sse`) and on bodies in one piece, and
//! needs no more memory for a large one. Its answers do not depend on how the bytes are cut.

mod collect;
mod figures;
mod lines;
mod schema;
mod walk;

use hub_types::{Dialect, Endpoint, ServiceTier, Usage};

use crate::estimate::TextCount;
use collect::Collector;
use lines::StreamLines;
use walk::Walker;

/// An error that the upstream reported inside its answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UpstreamError {
    /// `type` (Claude, OpenAI) or `status` (Gemini): `overloaded_error`, `RESOURCE_EXHAUSTED`, …
    pub kind: Option<String>,
    /// `code`: a word or a number.
    pub code: Option<String>,
    /// The message as the upstream wrote it, at most 2 KiB of it, **not** redacted.
    pub message: Option<String>,
}

/// What the tap learnt.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TapReport {
    /// What the upstream says was used; `None` = it did not say.
    pub usage: Option<Usage>,
    /// The model as the upstream names it.
    pub upstream_model: Option<String>,
    /// The tier in which the request was served, if the upstream says so.
    pub service_tier: Option<ServiceTier>,
    /// The id of a Responses answer, by which a later request may refer to it; at most 256 bytes.
    pub response_id: Option<String>,
    /// The dialect's last event, or the whole body, was seen.
    pub terminal: bool,
    /// The answer is complete: `terminal`, or at least the model's reason to stop was seen. A stream that ends
    /// without even that was cut off.
    pub completed: bool,
    /// The error that the answer holds.
    pub error: Option<UpstreamError>,
    /// Was there any content?
    pub content_seen: bool,
    /// Bytes of text (and of calls' input) that the model wrote.
    pub output_bytes: u64,
    /// The same, counted for an estimate of tokens.
    pub output_text: TextCount,
}

#[derive(Debug)]
enum Form {
    /// Nothing but white space and a byte order mark yet.
    Unknown,
    Stream(StreamLines),
    Json {
        is_list: bool,
    },
}

/// See the module.
#[derive(Debug)]
pub struct UsageTap {
    stream: bool,
    form: Form,
    walker: Walker,
    collector: Collector,
}

impl UsageTap {
    /// A tap on an answer of `dialect`. `stream` says what was asked for; what comes is recognised by itself
    /// (some relays answer a streaming call with a body and the other way round).
    pub fn new(dialect: Dialect, endpoint: Endpoint, stream: bool) -> Self {
        Self {
            stream,
            form: Form::Unknown,
            walker: Walker::new(),
            collector: Collector::new(dialect, endpoint.is_billable()),
        }
    }

    /// Looks at the next bytes.
    pub fn push(&mut self, chunk: &[u8]) {
        let mut rest = chunk;
        if matches!(self.form, Form::Unknown) {
            // The bytes of a byte order mark can't begin anything else that matters.
            let begins = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0xEF | 0xBB | 0xBF);
            let Some(start) = chunk.iter().position(begins) else { return };
            rest = chunk.get(start..).unwrap_or_default();
            self.form = match rest.first() {
                Some(b'{') => Form::Json { is_list: false },
                Some(b'[') => Form::Json { is_list: true },
                _ => Form::Stream(StreamLines::new()),
            };
        }
        match &mut self.form {
            Form::Stream(lines) => lines.push(rest, &mut self.walker, &mut self.collector),
            Form::Json { .. } | Form::Unknown => self.walker.push(rest, &mut self.collector),
        }
    }

    /// Was the dialect's last event, or the end of the body, seen?
    pub fn terminal_seen(&self) -> bool {
        let whole_body = match self.form {
            // A list that was asked for as a stream is complete with the model's reason to stop.
            Form::Json { is_list } => self.walker.ended() && !(is_list && self.stream),
            _ => false,
        };
        whole_body || self.collector.terminal()
    }

    /// Was there any content?
    pub fn content_seen(&self) -> bool {
        self.collector.content()
    }

    /// Was an error seen?
    pub fn error_seen(&self) -> Option<&UpstreamError> {
        self.collector.error()
    }

    /// What is known to be used so far.
    pub fn usage(&self) -> Option<Usage> {
        self.collector.usage()
    }

    /// What is known so far, without an end.
    pub fn report(&self) -> TapReport {
        let terminal = self.terminal_seen();
        let text = self.collector.text();
        TapReport {
            usage: self.usage(),
            upstream_model: self.collector.model().map(str::to_owned),
            service_tier: self.collector.service_tier(),
            response_id: self.collector.response_id().map(str::to_owned),
            terminal,
            completed: terminal || self.collector.completed(),
            error: self.collector.error().cloned(),
            content_seen: self.content_seen(),
            output_bytes: text.bytes(),
            output_text: text,
        }
    }

    /// The answer has ended. A body that broke off still counts with what it had said.
    pub fn finish(mut self) -> TapReport {
        match &mut self.form {
            Form::Stream(lines) => lines.end_line(&mut self.walker, &mut self.collector),
            Form::Json { is_list: false } if !self.walker.ended() => self.collector.fold(),
            Form::Json { .. } | Form::Unknown => {}
        }
        self.report()
    }
}

#[cfg(test)]
mod tests;
