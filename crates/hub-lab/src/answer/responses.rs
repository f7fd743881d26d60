//! Simulated answers in the dialect of OpenAI Responses.

use serde_json::{Value, json};

use super::frame::{ID_SLOT, Prepared, SseWriter};
use super::{CREATED, Figures, Plan, SIGNATURE, THOUGHT, Tool, text};

pub(super) fn prepare(plan: &Plan) -> Prepared {
    if plan.stream.is_some() { stream(plan) } else { whole(plan) }
}

fn whole(plan: &Plan) -> Prepared {
    let text = plan.text();
    let mut output = Vec::new();
    if plan.look.thinking {
        output.push(reasoning("completed", true));
    }
    output.push(message("completed", Some(&text)));
    output.extend(plan.look.tool.as_ref().map(|tool| function("completed", &tool.name, &tool.arguments)));
    let figures = plan.figures();
    Prepared::whole(&response(plan, "completed", &output, figures), figures.map(Figures::usage))
}

fn stream(plan: &Plan) -> Prepared {
    let mut stream = Stream { sse: plan.sse(), sequence: 0, output: Vec::new() };
    stream.event(
        json!({"type": "response.created", "response": response(plan, "in_progress", &[], None)}),
        false,
    );
    stream.event(
        json!({"type": "response.in_progress", "response": response(plan, "in_progress", &[], None)}),
        false,
    );
    if plan.look.thinking {
        stream.reasoning();
    }
    stream.message(&plan.text(), plan.look.chunk_len);
    if let Some(tool) = &plan.look.tool {
        stream.function(tool);
    }
    let Stream { mut sse, sequence, output } = stream;
    let figures = plan.figures();
    let done = json!({
        "type": "response.completed",
        "sequence_number": sequence,
        "response": response(plan, "completed", &output, figures),
    });
    sse.typed(&done, false, figures.map(Figures::usage));
    Prepared::sse(sse)
}

/// A stream being written: it numbers events and collects the finished items.
struct Stream {
    sse: SseWriter,
    sequence: u64,
    output: Vec<Value>,
}

impl Stream {
    fn event(&mut self, mut data: Value, content: bool) {
        if let Some(data) = data.as_object_mut() {
            data.insert("sequence_number".into(), self.sequence.into());
        }
        self.sequence += 1;
        self.sse.typed(&data, content, None);
    }

    /// An event about one item.
    fn about(&mut self, kind: &str, item: &str, mut more: Value, content: bool) {
        let mut data = json!({"type": kind, "item_id": item, "output_index": self.output.len()});
        if let (Some(data), Some(more)) = (data.as_object_mut(), more.as_object_mut()) {
            data.append(more);
        }
        self.event(data, content);
    }

    fn added(&mut self, item: &Value, content: bool) {
        let index = self.output.len();
        self.event(
            json!({"type": "response.output_item.added", "output_index": index, "item": item}),
            content,
        );
    }

    fn done(&mut self, item: Value) {
        let index = self.output.len();
        self.event(json!({"type": "response.output_item.done", "output_index": index, "item": item}), false);
        self.output.push(item);
    }

    fn reasoning(&mut self) {
        let id = item_id("rs");
        let part = |text: &str| json!({"type": "summary_text", "text": text});
        let at = |more: (&str, Value)| json!({"summary_index": 0, more.0: more.1});
        self.added(&reasoning("in_progress", false), false);
        self.about("response.reasoning_summary_part.added", &id, at(("part", part(""))), false);
        self.about("response.reasoning_summary_text.delta", &id, at(("delta", THOUGHT.into())), true);
        self.about("response.reasoning_summary_text.done", &id, at(("text", THOUGHT.into())), false);
        self.about("response.reasoning_summary_part.done", &id, at(("part", part(THOUGHT))), false);
        self.done(reasoning("completed", true));
    }

    fn message(&mut self, text: &str, chunk_len: usize) {
        let id = item_id("msg");
        self.added(&message("in_progress", None), false);
        let part = json!({"content_index": 0, "part": output_text("")});
        self.about("response.content_part.added", &id, part, false);
        for chunk in text::chunks(text, chunk_len) {
            let delta = json!({"content_index": 0, "delta": chunk, "logprobs": []});
            self.about("response.output_text.delta", &id, delta, true);
        }
        let whole = json!({"content_index": 0, "text": text, "logprobs": []});
        self.about("response.output_text.done", &id, whole, false);
        let part = json!({"content_index": 0, "part": output_text(text)});
        self.about("response.content_part.done", &id, part, false);
        self.done(message("completed", Some(text)));
    }

    fn function(&mut self, tool: &Tool) {
        let id = item_id("fc");
        let Tool { name, arguments } = tool;
        self.added(&function("in_progress", name, ""), true);
        for part in tool.fragments() {
            self.about("response.function_call_arguments.delta", &id, json!({"delta": part}), true);
        }
        let whole = json!({"name": name, "arguments": arguments});
        self.about("response.function_call_arguments.done", &id, whole, false);
        self.done(function("completed", name, arguments));
    }
}

fn item_id(kind: &str) -> String {
    format!("{kind}_{ID_SLOT}")
}

fn output_text(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

fn message(status: &str, text: Option<&str>) -> Value {
    let content: Vec<Value> = text.map(output_text).into_iter().collect();
    json!({"type": "message", "id": item_id("msg"), "status": status, "role": "assistant", "content": content})
}

fn reasoning(status: &str, done: bool) -> Value {
    let summary = if done { json!([{"type": "summary_text", "text": THOUGHT}]) } else { json!([]) };
    let encrypted = done.then_some(SIGNATURE);
    json!({
        "type": "reasoning", "id": item_id("rs"), "status": status, "summary": summary,
        "encrypted_content": encrypted,
    })
}

fn function(status: &str, name: &str, arguments: &str) -> Value {
    json!({
        "type": "function_call", "id": item_id("fc"), "call_id": item_id("call"), "status": status,
        "name": name, "arguments": arguments,
    })
}

fn response(plan: &Plan, status: &str, output: &[Value], figures: Option<Figures>) -> Value {
    response_object(&plan.model, status, output, figures.map(usage).as_ref(), &Value::Null)
}

/// The response object with every member that strict readers require.
pub(super) fn response_object(
    model: &str,
    status: &str,
    output: &[Value],
    usage: Option<&Value>,
    error: &Value,
) -> Value {
    json!({
        "id": format!("resp_{ID_SLOT}"),
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "background": false,
        "error": error,
        "incomplete_details": null,
        "instructions": null,
        "max_output_tokens": null,
        "metadata": {},
        "model": model,
        "output": output,
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "reasoning": {"effort": null, "summary": null},
        "store": false,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage,
        "user": null,
    })
}

fn usage(figures: Figures) -> Value {
    let input = figures.whole_input();
    json!({
        "input_tokens": input,
        "input_tokens_details": {"cached_tokens": figures.cache_read, "cache_write_tokens": 0},
        "output_tokens": figures.output,
        "output_tokens_details": {"reasoning_tokens": figures.reasoning},
        "total_tokens": input.saturating_add(figures.output),
    })
}
