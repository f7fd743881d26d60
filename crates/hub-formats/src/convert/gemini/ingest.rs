//! Reading a Gemini provider's answer, chunk by chunk or whole.

use std::borrow::Cow;

use crate::convert::answer::{Event, Ingest, Reason, Sink};
use crate::convert::json::parse;
use crate::convert::opaque::{Opaque, Origin};
use crate::convert::tape::View;
use crate::error::Failure;

#[derive(Debug, Default)]
pub(crate) struct GeminiIngest {
    /// Which of several answers is read.
    choice: u64,
    calls: u64,
}

impl GeminiIngest {
    /// Reads one of several answers, counted from 0.
    pub(crate) fn of(choice: u64) -> Self {
        Self { choice, ..Self::default() }
    }
}

impl Ingest for GeminiIngest {
    fn event(&mut self, data: View<'_>, sink: Sink<'_>) {
        self.body(data, sink);
    }

    fn body(&mut self, body: View<'_>, sink: Sink<'_>) {
        if body.is_list() {
            return body.items().for_each(|item| self.chunk(item, sink));
        }
        self.chunk(body, sink);
    }
}

impl GeminiIngest {
    fn chunk(&mut self, chunk: View<'_>, sink: Sink<'_>) {
        // Code Assist wraps each chunk.
        let chunk = chunk.get("response").unwrap_or(chunk);
        if let Some(error) = chunk.get("error") {
            return sink(Event::Error(Failure::read(error)));
        }
        if let Some(id) = chunk.str_at("responseId") {
            sink(Event::Start { id });
        }
        let is_first = |one: &View<'_>| one.get("index").and_then(View::u64).unwrap_or(0) == self.choice;
        if let Some(candidate) = chunk.items_at("candidates").find(is_first) {
            if let Some(content) = candidate.get("content") {
                content.items_at("parts").for_each(|part| self.part(part, sink));
            }
            for (member, code) in [("groundingMetadata", "grounding"), ("citationMetadata", "citations")] {
                if candidate.get(member).is_some_and(View::has_members) {
                    sink(Event::Lost { code, detail: "" });
                }
            }
            if let Some(word) = candidate.str_at("finishReason") {
                if !KNOWN.contains(&word) && !word.starts_with("IMAGE_") {
                    sink(Event::Lost { code: "unknown_stop", detail: word });
                }
                sink(Event::Finish(reason(word, candidate)));
            }
        }
        if chunk.get("promptFeedback").is_some_and(|feedback| feedback.get("blockReason").is_some()) {
            sink(Event::Finish(Reason::Filter));
        }
    }

    fn part(&mut self, part: View<'_>, sink: Sink<'_>) {
        let signature = part.str_at("thoughtSignature").filter(|signature| !signature.is_empty());
        let opaque = |origin| signature.map(|payload| Opaque::new(origin, Cow::Borrowed(payload)));
        if let Some(call) = part.get("functionCall") {
            if let Some(opaque) = opaque(Origin::GeminiCall) {
                sink(Event::Opaque(opaque));
            }
            self.calls += 1;
            let key = self.calls;
            let (id, name) = (call.str_at("id").unwrap_or_default(), call.str_at("name").unwrap_or_default());
            sink(Event::ToolStart { key, id, name });
            if let Some(args) = call.get("args") {
                // In one line: some clients get it in the line of an event.
                let compact = parse(args.raw_text().as_bytes()).map(|args| args.to_text());
                sink(Event::ToolArgs { key, text: &compact.unwrap_or_default() });
            }
            return sink(Event::ToolEnd { key });
        }
        let text = part.str_at("text").unwrap_or_default();
        if part.get("thought").and_then(View::bool) == Some(true) {
            sink(Event::Reasoning(text));
        } else {
            sink(Event::Text(text));
        }
        for (member, inner) in [("executableCode", "code"), ("codeExecutionResult", "output")] {
            if let Some(text) = part.get(member).and_then(|code| code.str_at(inner)) {
                sink(Event::Text(text));
                sink(Event::Lost { code: "hosted_trace", detail: member });
            }
        }
        if let Some(opaque) = opaque(Origin::GeminiThought) {
            sink(Event::Opaque(opaque));
        }
    }
}

/// Reasons to stop that are known by their names.
const KNOWN: [&str; 17] = [
    "STOP",
    "OTHER",
    "FINISH_REASON_UNSPECIFIED",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MODEL_ARMOR",
    "CONTINUATION",
    "MALFORMED_FUNCTION_CALL",
    "MALFORMED_RESPONSE",
    "MISSING_THOUGHT_SIGNATURE",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
];

fn reason(word: &str, candidate: View<'_>) -> Reason {
    match word {
        "MAX_TOKENS" => Reason::Length,
        "SAFETY" | "RECITATION" | "LANGUAGE" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII"
        | "MODEL_ARMOR" => Reason::Filter,
        word if word.starts_with("IMAGE_") => Reason::Filter,
        "CONTINUATION" => Reason::Pause,
        "MALFORMED_FUNCTION_CALL"
        | "MALFORMED_RESPONSE"
        | "MISSING_THOUGHT_SIGNATURE"
        | "UNEXPECTED_TOOL_CALL"
        | "TOO_MANY_TOOL_CALLS" => {
            Reason::Error(candidate.str_at("finishMessage").unwrap_or(word).to_owned())
        }
        _ => Reason::Stop,
    }
}
