//! Simulated answers in the dialect of Anthropic Messages.

use hub_types::Usage;
use serde_json::{Value, json};

use super::frame::{ID_SLOT, Prepared};
use super::{Figures, Plan, SIGNATURE, THOUGHT, text};

pub(super) fn prepare(plan: &Plan) -> Prepared {
    if plan.stream.is_some() { stream(plan) } else { whole(plan) }
}

fn whole(plan: &Plan) -> Prepared {
    let mut content = Vec::new();
    if plan.look.thinking {
        content.push(json!({"type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE}));
    }
    content.push(json!({"type": "text", "text": plan.text()}));
    if let Some(tool) = &plan.look.tool {
        content.push(tool_use(&tool.name, &tool.object()));
    }
    let mut message = message(plan, &content, Some(stop_reason(plan)));
    let figures = plan.figures();
    if let (Some(figures), Some(message)) = (figures, message.as_object_mut()) {
        message.insert("usage".into(), usage(figures, figures.output));
    }
    Prepared::whole(&message, figures.map(Figures::usage))
}

fn stream(plan: &Plan) -> Prepared {
    let mut sse = plan.sse();
    let figures = plan.figures();

    // The vendor's first figures: everything that went in, and the one token that the stream begins with.
    let opening = figures.map(|figures| Figures { output: figures.output.min(1), ..figures });
    let mut message = message(plan, &[], None);
    if let (Some(figures), Some(message)) = (opening, message.as_object_mut()) {
        message.insert("usage".into(), usage(figures, figures.output));
    }
    sse.typed(&json!({"type": "message_start", "message": message}), false, opening.map(Figures::usage));

    let mut index = 0;
    if plan.look.thinking {
        let block = json!({"type": "thinking", "thinking": "", "signature": ""});
        let deltas = [
            json!({"type": "thinking_delta", "thinking": THOUGHT}),
            json!({"type": "signature_delta", "signature": SIGNATURE}),
        ];
        write_block(&mut sse, &mut index, &block, deltas);
    }
    let answer = plan.text();
    let deltas =
        text::chunks(&answer, plan.look.chunk_len).map(|chunk| json!({"type": "text_delta", "text": chunk}));
    write_block(&mut sse, &mut index, &json!({"type": "text", "text": ""}), deltas);
    if let Some(tool) = &plan.look.tool {
        let deltas = tool.fragments().map(|part| json!({"type": "input_json_delta", "partial_json": part}));
        write_block(&mut sse, &mut index, &tool_use(&tool.name, &json!({})), deltas);
    }

    let mut end = json!({
        "type": "message_delta",
        "delta": {"stop_reason": stop_reason(plan), "stop_sequence": null},
    });
    if let (Some(figures), Some(end)) = (figures, end.as_object_mut()) {
        end.insert("usage".into(), usage(figures, figures.output));
    }
    sse.typed(&end, false, figures.map(Figures::usage));
    sse.typed(&json!({"type": "message_stop"}), false, None);
    Prepared::sse(sse)
}

fn write_block(
    sse: &mut super::frame::SseWriter,
    index: &mut u32,
    block: &Value,
    deltas: impl IntoIterator<Item = Value>,
) {
    sse.typed(&json!({"type": "content_block_start", "index": *index, "content_block": block}), false, None);
    for delta in deltas {
        sse.typed(&json!({"type": "content_block_delta", "index": *index, "delta": delta}), true, None);
    }
    sse.typed(&json!({"type": "content_block_stop", "index": *index}), false, None);
    *index += 1;
}

fn message(plan: &Plan, content: &[Value], stop_reason: Option<&str>) -> Value {
    json!({
        "id": format!("msg_{ID_SLOT}"),
        "type": "message",
        "role": "assistant",
        "model": plan.model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
    })
}

fn tool_use(name: &str, input: &Value) -> Value {
    json!({"type": "tool_use", "id": format!("toolu_{ID_SLOT}"), "name": name, "input": input})
}

fn stop_reason(plan: &Plan) -> &'static str {
    if plan.look.tool.is_some() { "tool_use" } else { "end_turn" }
}

fn usage(figures: Figures, output: u64) -> Value {
    let Usage { input, cache_read, cache_write_5m, cache_write_1h, .. } = figures.usage();
    json!({
        "input_tokens": input,
        "cache_creation_input_tokens": cache_write_5m.saturating_add(cache_write_1h),
        "cache_read_input_tokens": cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": cache_write_5m,
            "ephemeral_1h_input_tokens": cache_write_1h,
        },
        "output_tokens": output,
        "service_tier": "standard",
    })
}
