//! Reading a Claude provider's answer, event by event or whole.

use std::borrow::Cow;

use crate::convert::answer::{Event, Ingest, Reason, Sink};
use crate::convert::opaque::{Opaque, Origin};
use crate::convert::tape::View;
use crate::error::Failure;

#[derive(Debug, Default)]
pub(crate) struct ClaudeIngest;

impl Ingest for ClaudeIngest {
    fn event(&mut self, data: View<'_>, sink: Sink<'_>) {
        let index = data.get("index").and_then(View::u64).unwrap_or(0);
        match data.kind() {
            "message_start" => {
                let id = data.get("message").and_then(|message| message.str_at("id")).unwrap_or_default();
                sink(Event::Start { id });
            }
            "content_block_start" => {
                if let Some(it) = data.get("content_block") {
                    block(index, it, sink);
                }
            }
            "content_block_delta" => {
                if let Some(it) = data.get("delta") {
                    delta(index, it, sink);
                }
            }
            "content_block_stop" => {
                sink(Event::ToolEnd { key: index });
                sink(Event::BlockEnd);
            }
            "message_delta" => {
                if let Some(delta) = data.get("delta") {
                    stop(delta, sink);
                }
            }
            "message_stop" => sink(Event::Last),
            "error" => sink(Event::Error(Failure::read(data.get("error").unwrap_or(data)))),
            _ => {}
        }
    }

    fn body(&mut self, body: View<'_>, sink: Sink<'_>) {
        if let Some(error) = body.get("error") {
            return sink(Event::Error(Failure::read(error)));
        }
        sink(Event::Start { id: body.str_at("id").unwrap_or_default() });
        for (index, item) in (0..).zip(body.items_at("content")) {
            block(index, item, sink);
            sink(Event::ToolEnd { key: index });
            sink(Event::BlockEnd);
        }
        stop(body, sink);
    }
}

fn block(key: u64, block: View<'_>, sink: Sink<'_>) {
    match block.kind() {
        "text" => {
            sink(Event::Text(block.str_at("text").unwrap_or_default()));
            if block.items_at("citations").next().is_some() {
                sink(Event::Lost { code: "citations", detail: "" });
            }
        }
        "thinking" => {
            sink(Event::Reasoning(block.str_at("thinking").unwrap_or_default()));
            signature(block, "signature", Origin::Claude, sink);
        }
        "redacted_thinking" => signature(block, "data", Origin::ClaudeRedacted, sink),
        kind if kind != "tool_use" => sink(Event::Lost { code: "hosted_trace", detail: kind }),
        "tool_use" => {
            let (id, name) = (block.str_at("id"), block.str_at("name"));
            sink(Event::ToolStart { key, id: id.unwrap_or_default(), name: name.unwrap_or_default() });
            if let Some(input) = block.get("input")
                && input.has_members()
            {
                sink(Event::ToolArgs { key, text: input.raw_text() });
            }
        }
        _ => {}
    }
}

fn delta(key: u64, delta: View<'_>, sink: Sink<'_>) {
    match delta.kind() {
        "text_delta" => sink(Event::Text(delta.str_at("text").unwrap_or_default())),
        "thinking_delta" => sink(Event::Reasoning(delta.str_at("thinking").unwrap_or_default())),
        "signature_delta" => signature(delta, "signature", Origin::Claude, sink),
        "input_json_delta" => {
            sink(Event::ToolArgs { key, text: delta.str_at("partial_json").unwrap_or_default() });
        }
        "citations_delta" => sink(Event::Lost { code: "citations", detail: "" }),
        _ => {}
    }
}

fn signature(holder: View<'_>, member: &str, origin: Origin, sink: Sink<'_>) {
    if let Some(payload) = holder.str_at(member).filter(|payload| !payload.is_empty()) {
        sink(Event::Opaque(Opaque::new(origin, Cow::Borrowed(payload))));
    }
}

fn stop(holder: View<'_>, sink: Sink<'_>) {
    let Some(word) = holder.str_at("stop_reason") else { return };
    let reason = match word {
        "tool_use" => Reason::Tool,
        "max_tokens" => Reason::Length,
        "model_context_window_exceeded" => Reason::Context,
        "stop_sequence" => Reason::StopSequence(holder.str_at("stop_sequence").map(str::to_owned)),
        "refusal" => Reason::Filter,
        "pause_turn" => Reason::Pause,
        "end_turn" => Reason::Stop,
        unknown => {
            sink(Event::Lost { code: "unknown_stop", detail: unknown });
            Reason::Stop
        }
    };
    if matches!(reason, Reason::StopSequence(_)) {
        sink(Event::Lost { code: "stop_sequence_identity", detail: "" });
    }
    sink(Event::Finish(reason));
}
