//! Google generateContent, bare or in the Code Assist wrapper.

use hub_types::Dialect;
use serde_json::{Map, Value, json};

use super::frame::{Frame, ID_SLOT, Prepared, SseWriter};
use super::{Figures, Plan, SIGNATURE, THOUGHT, text};
use crate::route::Framing;

/// What arrays and errors are labelled with.
const JSON: &str = "application/json; charset=UTF-8";

pub(super) fn prepare(plan: &Plan) -> Prepared {
    match plan.stream {
        None => whole(plan),
        Some(framing) => stream(plan, framing),
    }
}

fn whole(plan: &Plan) -> Prepared {
    let mut parts = Vec::new();
    if plan.look.thinking {
        parts.push(thought());
    }
    parts.push(json!({"text": plan.text()}));
    parts.extend(function_call(plan));
    let figures = plan.figures();
    let body = response(plan, &parts, Some("STOP"), figures);
    Prepared { content_type: JSON, ..Prepared::whole(&body, figures.map(Figures::usage)) }
}

fn stream(plan: &Plan, framing: Framing) -> Prepared {
    let mut parts: Vec<Value> = Vec::new();
    if plan.look.thinking {
        parts.push(thought());
    }
    parts.extend(text::chunks(&plan.text(), plan.look.chunk_len).map(|chunk| json!({"text": chunk})));
    parts.extend(function_call(plan));
    let figures = plan.figures();
    // Like the vendor, every chunk tells the input; output counts up to the last chunk.
    let opening = figures.map(|figures| Figures { output: 0, reasoning: 0, ..figures });
    let last = response(plan, &[], Some("STOP"), figures);
    let mut chunks: Vec<(Value, bool, Option<Figures>)> =
        parts.into_iter().map(|part| (response(plan, &[part], None, opening), true, opening)).collect();
    chunks.push((last, false, figures));

    match framing {
        Framing::Sse => {
            // The vendor ends lines with CR LF; strict readers take that or LF, and nothing but data lines.
            let mut sse = SseWriter::new(true, plan.look.comments);
            for (body, content, figures) in chunks {
                sse.bare(&body, content, figures.map(Figures::usage));
            }
            Prepared::sse(sse)
        }
        Framing::Array => {
            let mut frames: Vec<Frame> = chunks
                .into_iter()
                .enumerate()
                .map(|(index, (body, content, figures))| {
                    let lead = if index == 0 { "[" } else { ",\r\n" };
                    Frame::new(format!("{lead}{body}").into_bytes(), content, figures.map(Figures::usage))
                })
                .collect();
            frames.push(Frame::new(b"]".to_vec(), false, None));
            Prepared { content_type: JSON, frames }
        }
    }
}

fn thought() -> Value {
    json!({"text": THOUGHT, "thought": true})
}

fn function_call(plan: &Plan) -> Option<Value> {
    let tool = plan.look.tool.as_ref()?;
    let call = json!({"name": tool.name, "args": tool.object()});
    Some(json!({"functionCall": call, "thoughtSignature": SIGNATURE}))
}

fn response(plan: &Plan, parts: &[Value], finish: Option<&str>, figures: Option<Figures>) -> Value {
    let mut candidate = Map::new();
    candidate.insert("content".into(), json!({"role": "model", "parts": parts}));
    if let Some(finish) = finish {
        candidate.insert("finishReason".into(), finish.into());
    }
    candidate.insert("index".into(), 0.into());
    let mut body = Map::new();
    body.insert("candidates".into(), json!([candidate]));
    if let Some(figures) = figures {
        body.insert("usageMetadata".into(), usage(figures));
    }
    body.insert("modelVersion".into(), plan.model.as_str().into());
    body.insert("responseId".into(), ID_SLOT.into());
    wrap(plan.dialect, Value::Object(body))
}

/// Puts a Gemini object into the Code Assist wrapper, where that is spoken.
fn wrap(dialect: Dialect, body: Value) -> Value {
    if dialect == Dialect::GeminiCli { json!({"response": body, "traceId": ID_SLOT}) } else { body }
}

fn usage(figures: Figures) -> Value {
    let prompt = figures.whole_input();
    json!({
        "promptTokenCount": prompt,
        "cachedContentTokenCount": figures.cache_read,
        "candidatesTokenCount": figures.output - figures.reasoning.min(figures.output),
        "thoughtsTokenCount": figures.reasoning,
        "totalTokenCount": prompt.saturating_add(figures.output),
    })
}
