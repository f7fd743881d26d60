//! Simulated answers in the dialect of OpenAI Chat Completions.

use serde_json::{Map, Value, json};

use super::frame::{ID_SLOT, Prepared};
use super::{CREATED, Figures, Plan, THOUGHT, text};

pub(super) fn prepare(plan: &Plan) -> Prepared {
    if plan.stream.is_some() { stream(plan) } else { whole(plan) }
}

fn whole(plan: &Plan) -> Prepared {
    let mut message = Map::new();
    message.insert("role".into(), "assistant".into());
    message.insert("content".into(), plan.text().into());
    message.insert("refusal".into(), Value::Null);
    if plan.look.thinking {
        message.insert("reasoning_content".into(), THOUGHT.into());
    }
    if let Some(tool) = &plan.look.tool {
        message.insert("tool_calls".into(), json!([tool_call(&tool.name, &tool.arguments)]));
    }
    let choice =
        json!({"index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason(plan)});
    let mut body = envelope(plan, "chat.completion", vec![choice]);
    let figures = plan.figures();
    if let Some(figures) = figures {
        body.insert("usage".into(), usage(figures));
    }
    Prepared::whole(&Value::Object(body), figures.map(Figures::usage))
}

fn stream(plan: &Plan) -> Prepared {
    let mut sse = plan.sse();
    let with_usage = plan.include_usage && plan.figures().is_some();
    let mut chunk = |delta: Value, finish: Option<&str>, content: bool| {
        let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish});
        let mut body = envelope(plan, "chat.completion.chunk", vec![choice]);
        if with_usage {
            // The vendor names the field on every chunk once it was asked for.
            body.insert("usage".into(), Value::Null);
        }
        sse.bare(&Value::Object(body), content, None);
    };

    chunk(json!({"role": "assistant", "content": "", "refusal": null}), None, false);
    if plan.look.thinking {
        chunk(json!({"reasoning_content": THOUGHT}), None, true);
    }
    for part in text::chunks(&plan.text(), plan.look.chunk_len) {
        chunk(json!({"content": part}), None, true);
    }
    if let Some(tool) = &plan.look.tool {
        let mut call = tool_call(&tool.name, "");
        if let Some(call) = call.as_object_mut() {
            call.insert("index".into(), 0.into());
        }
        chunk(json!({"tool_calls": [call]}), None, true);
        for part in tool.fragments() {
            chunk(json!({"tool_calls": [{"index": 0, "function": {"arguments": part}}]}), None, true);
        }
    }
    chunk(json!({}), Some(finish_reason(plan)), false);
    if let Some(figures) = plan.figures().filter(|_| with_usage) {
        let mut body = envelope(plan, "chat.completion.chunk", Vec::new());
        body.insert("usage".into(), usage(figures));
        sse.bare(&Value::Object(body), false, Some(figures.usage()));
    }
    sse.event(None, "[DONE]", false, None);
    Prepared::sse(sse)
}

fn envelope(plan: &Plan, object: &str, choices: Vec<Value>) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("id".into(), format!("chatcmpl-{ID_SLOT}").into());
    body.insert("object".into(), object.into());
    body.insert("created".into(), CREATED.into());
    body.insert("model".into(), plan.model.as_str().into());
    body.insert("choices".into(), choices.into());
    body.insert("system_fingerprint".into(), "fp_lab".into());
    body
}

fn tool_call(name: &str, arguments: &str) -> Value {
    json!({
        "id": format!("call_{ID_SLOT}"),
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    })
}

fn finish_reason(plan: &Plan) -> &'static str {
    if plan.look.tool.is_some() { "tool_calls" } else { "stop" }
}

fn usage(figures: Figures) -> Value {
    let prompt = figures.whole_input();
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": figures.output,
        "total_tokens": prompt.saturating_add(figures.output),
        "prompt_tokens_details": {"cached_tokens": figures.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": figures.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}
