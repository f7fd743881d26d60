//! Reading a Responses provider's answer. Items may come in deltas, whole at their end, or only in the last
//! event.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::convert::answer::{Event, Ingest, Reason, Sink};
use crate::convert::chat::wrap_input;
use crate::convert::opaque::{Opaque, Origin};
use crate::convert::tape::View;
use crate::error::{ErrorKind, Failure};

#[derive(Debug, Default)]
pub(crate) struct ResponsesIngest {
    /// Items, by index, of which something was told already.
    told: HashSet<u64>,
    /// Items that are done.
    done: HashSet<u64>,
    /// Of each reasoning item the kind of event that tells it: some upstreams send two.
    thoughts: HashMap<u64, bool>,
    refused: bool,
}

impl Ingest for ResponsesIngest {
    fn event(&mut self, data: View<'_>, sink: Sink<'_>) {
        let index = data.get("output_index").and_then(View::u64).unwrap_or(0);
        let delta = data.str_at("delta").unwrap_or_default();
        let item = data.get("item").unwrap_or_else(|| data.nothing());
        let response = data.get("response").unwrap_or_else(|| data.nothing());
        match data.kind() {
            "response.created" | "response.in_progress" => start(response, sink),
            "response.output_item.added" => announce(index, item, sink),
            "response.output_text.delta" => {
                self.told.insert(index);
                sink(Event::Text(delta));
            }
            "response.output_text.done" if self.told.insert(index) => {
                sink(Event::Text(data.str_at("text").unwrap_or_default()));
            }
            "response.refusal.delta" => {
                self.told.insert(index);
                self.refused = true;
                sink(Event::Refusal(delta));
            }
            "response.reasoning_summary_part.added" => {
                let later = data.get("summary_index").and_then(View::u64).unwrap_or(0) > 0;
                if later && self.thoughts.get(&index) == Some(&true) {
                    sink(Event::Reasoning("\n\n"));
                }
            }
            "response.reasoning_summary_text.delta" => self.thought(index, true, delta, sink),
            "response.reasoning_text.delta" => self.thought(index, false, delta, sink),
            "response.function_call_arguments.delta" => {
                self.told.insert(index);
                sink(Event::ToolArgs { key: index, text: delta });
            }
            "response.function_call_arguments.done" => {
                if let Some(text) = data.str_at("arguments")
                    && self.told.insert(index)
                {
                    sink(Event::ToolArgs { key: index, text });
                }
            }
            "response.output_item.done" => self.item(index, item, sink),
            "response.completed" | "response.incomplete" => self.last(response, sink),
            "response.failed" => sink(Event::Error(failed(response))),
            "error" => sink(Event::Error(Failure::read(data.get("error").unwrap_or(data)))),
            _ => {}
        }
    }

    fn body(&mut self, body: View<'_>, sink: Sink<'_>) {
        if body.str_at("status") == Some("failed") || body.get("error").is_some() {
            return sink(Event::Error(failed(body)));
        }
        self.last(body, sink);
    }
}

fn start(response: View<'_>, sink: Sink<'_>) {
    sink(Event::Start { id: response.str_at("id").unwrap_or_default() });
}

fn failed(response: View<'_>) -> Failure {
    match response.get("error") {
        Some(error) => Failure::read(error),
        None => Failure::new(ErrorKind::Api, "the upstream failed"),
    }
}

fn announce(key: u64, item: View<'_>, sink: Sink<'_>) {
    if matches!(item.kind(), "function_call" | "custom_tool_call") {
        let id = item.str_at("call_id").or_else(|| item.str_at("id")).unwrap_or_default();
        sink(Event::ToolStart { key, id, name: item.str_at("name").unwrap_or_default() });
    }
}

impl ResponsesIngest {
    fn thought(&mut self, index: u64, summary: bool, text: &str, sink: Sink<'_>) {
        self.told.insert(index);
        if *self.thoughts.entry(index).or_insert(summary) == summary {
            sink(Event::Reasoning(text));
        }
    }

    /// An item that is done; what its deltas have told is not told again.
    fn item(&mut self, index: u64, item: View<'_>, sink: Sink<'_>) {
        if !self.done.insert(index) {
            return;
        }
        let fresh = self.told.insert(index);
        match item.kind() {
            "message" => {
                for part in item.items_at("content") {
                    if let Some(text) = part.str_at("refusal") {
                        self.refused = true;
                        if fresh {
                            sink(Event::Refusal(text));
                        }
                        continue;
                    }
                    for (member, code) in [("annotations", "annotations"), ("logprobs", "logprobs")] {
                        if part.items_at(member).next().is_some() {
                            sink(Event::Lost { code, detail: "" });
                        }
                    }
                    if fresh {
                        sink(Event::Text(part.str_at("text").unwrap_or_default()));
                    }
                }
                sink(Event::BlockEnd);
            }
            "reasoning" => {
                if fresh {
                    let texts = |member: &str| {
                        let parts = item.items_at(member);
                        parts.filter_map(|part| part.str_at("text")).collect::<Vec<_>>().join("\n\n")
                    };
                    let summary = texts("summary");
                    let text = if summary.is_empty() { texts("content") } else { summary };
                    sink(Event::Reasoning(&text));
                }
                if let Some(sealed) = item.str_at("encrypted_content").filter(|sealed| !sealed.is_empty()) {
                    sink(Event::Opaque(Opaque::new(Origin::OpenAi, Cow::Borrowed(sealed))));
                }
                sink(Event::BlockEnd);
            }
            "function_call" | "custom_tool_call" => {
                announce(index, item, sink);
                if fresh {
                    let wrapped = item.str_at("input").map(wrap_input);
                    let text = wrapped.as_deref().or_else(|| item.str_at("arguments")).unwrap_or_default();
                    sink(Event::ToolArgs { key: index, text });
                }
                sink(Event::ToolEnd { key: index });
            }
            "" => {}
            kind => sink(Event::Lost { code: "hosted_trace", detail: kind }),
        }
    }

    fn last(&mut self, response: View<'_>, sink: Sink<'_>) {
        start(response, sink);
        for (index, item) in (0..).zip(response.items_at("output")) {
            self.item(index, item, sink);
        }
        let why = response.get("incomplete_details").and_then(|details| details.str_at("reason"));
        sink(Event::Finish(match (response.str_at("status"), why) {
            (Some("incomplete"), Some("content_filter")) => Reason::Filter,
            (Some("incomplete"), _) => Reason::Length,
            _ if self.refused => Reason::Filter,
            _ => Reason::Stop,
        }));
        sink(Event::Last);
    }
}
