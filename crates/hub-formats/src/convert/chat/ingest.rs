//! Reading a Chat provider's answer, chunk by chunk or whole.

use std::collections::HashMap;

use crate::convert::answer::{Event, Ingest, Reason, Sink};
use crate::convert::tape::View;
use crate::error::Failure;

#[derive(Debug, Default)]
pub(crate) struct ChatIngest {
    /// Which of several answers is read.
    choice: u64,
    /// Of each index the call that it means now: key and id. Some relays use an index again.
    calls: HashMap<u64, (u64, String)>,
    next: u64,
}

/// The key of a call in the old form.
const LEGACY: u64 = u64::MAX;

impl ChatIngest {
    /// Reads one of several answers, counted from 0.
    pub(crate) fn of(choice: u64) -> Self {
        Self { choice, ..Self::default() }
    }
}

impl Ingest for ChatIngest {
    fn event(&mut self, data: View<'_>, sink: Sink<'_>) {
        self.body(data, sink);
    }

    fn body(&mut self, body: View<'_>, sink: Sink<'_>) {
        if let Some(error) = body.get("error") {
            return sink(Event::Error(Failure::read(error)));
        }
        if let Some(id) = body.str_at("id") {
            sink(Event::Start { id });
        }
        let is_first =
            |choice: &View<'_>| choice.get("index").and_then(View::u64).unwrap_or(0) == self.choice;
        let Some(choice) = body.items_at("choices").find(is_first) else { return };
        if choice.get("logprobs").is_some_and(|logprobs| logprobs.items_at("content").next().is_some()) {
            sink(Event::Lost { code: "logprobs", detail: "" });
        }
        if let Some(message) = choice.get("delta").or_else(|| choice.get("message")) {
            self.message(message, sink);
        }
        if let Some(word) = choice.str_at("finish_reason").filter(|word| !word.is_empty()) {
            let reason = match word {
                "tool_calls" | "function_call" => Reason::Tool,
                "length" => Reason::Length,
                "content_filter" => Reason::Filter,
                "error" => Reason::Error("the upstream stopped with an error".to_owned()),
                "stop" => Reason::Stop,
                unknown => {
                    sink(Event::Lost { code: "unknown_stop", detail: unknown });
                    Reason::Stop
                }
            };
            sink(Event::Finish(reason));
        }
    }
}

impl ChatIngest {
    fn message(&mut self, message: View<'_>, sink: Sink<'_>) {
        let thought = message.str_at("reasoning_content").or_else(|| message.str_at("reasoning"));
        sink(Event::Reasoning(thought.unwrap_or_default()));
        if let Some(content) = message.get("content") {
            sink(Event::Text(content.str().unwrap_or_default()));
            for part in content.items() {
                sink(Event::Text(part.str_at("text").unwrap_or_default()));
            }
        }
        if message.items_at("annotations").next().is_some() {
            sink(Event::Lost { code: "annotations", detail: "" });
        }
        sink(Event::Refusal(message.str_at("refusal").unwrap_or_default()));
        for (position, call) in (0..).zip(message.items_at("tool_calls")) {
            self.call(position, call, sink);
        }
        if let Some(call) = message.get("function_call") {
            let name = call.str_at("name").unwrap_or_default();
            sink(Event::ToolStart { key: LEGACY, id: "", name });
            arguments(LEGACY, call.get("arguments"), sink);
        }
    }

    fn call(&mut self, position: u64, call: View<'_>, sink: Sink<'_>) {
        let index = call.get("index").and_then(View::u64).unwrap_or(position);
        let id = call.str_at("id").unwrap_or_default();
        let known =
            self.calls.get(&index).filter(|(_, known)| id.is_empty() || known.is_empty() || known == id);
        let key = if let Some((key, known)) = known {
            let (key, fills) = (*key, known.is_empty() && !id.is_empty());
            if fills {
                self.calls.insert(index, (key, id.to_owned()));
            }
            key
        } else {
            if let Some((before, _)) = self.calls.get(&index) {
                sink(Event::ToolEnd { key: *before });
            }
            self.next += 1;
            self.calls.insert(index, (self.next, id.to_owned()));
            self.next
        };
        let function = call.get("function").or_else(|| call.get("custom")).unwrap_or(call);
        sink(Event::ToolStart { key, id, name: function.str_at("name").unwrap_or_default() });
        if let Some(input) = function.str_at("input") {
            sink(Event::ToolArgs { key, text: &super::wrap_input(input) });
        }
        arguments(key, function.get("arguments"), sink);
    }
}

fn arguments(key: u64, arguments: Option<View<'_>>, sink: Sink<'_>) {
    if let Some(arguments) = arguments {
        sink(Event::ToolArgs { key, text: arguments.str().unwrap_or_else(|| arguments.raw_text()) });
    }
}
