//! Writing answers for Chat clients, as streams and as bodies.

use hub_types::{Dialect, Usage};

use crate::convert::answer::{Answer, Emit, Finish, Head, Reason, Unit};
use crate::convert::context::{plain_input, text_args};
use crate::convert::ir::CallForm;
use crate::convert::json::{Json, Line, Obj, n, obj, s};
use crate::convert::opaque::{Opaque, Origin};
use crate::convert::plan::AnswerPlan;
use crate::error::Failure;
use crate::sse::push_event;

/// A stream of chunks.
#[derive(Debug)]
pub(crate) struct ChatEmit {
    plan: AnswerPlan,
    /// The beginning of every event, up to its choices.
    head: Vec<u8>,
    unit: Unit,
    calls: u64,
    /// What a tool with plain text gets, in its wrapper.
    input: Option<String>,
    /// The open call has arguments.
    has_arguments: bool,
    /// Gemini's signature of the next call.
    signature: Option<String>,
}

impl ChatEmit {
    pub(crate) fn new(plan: AnswerPlan) -> Self {
        Self {
            plan,
            head: Vec::new(),
            unit: Unit::Text,
            calls: 0,
            input: None,
            has_arguments: false,
            signature: None,
        }
    }

    fn begin(&mut self, id: &str) {
        self.head.clear();
        Line(&mut self.head)
            .raw(r#"data: {"id":"#)
            .str(&self.plan.answer_id("chatcmpl-", id))
            .raw(r#","object":"chat.completion.chunk","created":"#)
            .num(self.plan.created)
            .raw(r#","model":"#)
            .str(&self.plan.model)
            .raw(r#","choices":["#);
    }

    fn delta_of(&self, delta: &Json<'_>, finish: Option<&'static str>, out: &mut Vec<u8>) {
        Line(out).raw(&self.head).raw(r#"{"index":0,"delta":"#);
        delta.write(out);
        match finish {
            Some(word) => Line(out).raw(r#","logprobs":null,"finish_reason":"#).str(word).raw("}]}\n\n"),
            None => Line(out).raw(NOT_FINISHED),
        };
    }

    fn arguments(&mut self, text: &str, out: &mut Vec<u8>) {
        if let Some(input) = &mut self.input {
            input.push_str(text);
            return;
        }
        self.has_arguments = true;
        Line(out)
            .raw(&self.head)
            .raw(r#"{"index":0,"delta":{"tool_calls":[{"index":"#)
            .num(self.calls.saturating_sub(1))
            .raw(r#","function":{"arguments":"#)
            .str(text)
            .raw("}}]}")
            .raw(NOT_FINISHED);
    }
}

/// The end of every event but the last, behind its delta.
const NOT_FINISHED: &str = concat!(r#","logprobs":null,"finish_reason":null}]}"#, "\n\n");

impl Emit for ChatEmit {
    fn start(&mut self, head: &Head, out: &mut Vec<u8>) {
        self.begin(&head.id);
        self.delta_of(&obj([("role", "assistant".into()), ("content", "".into())]), None, out);
    }

    fn open(&mut self, unit: &Unit, out: &mut Vec<u8>) {
        self.unit = unit.clone();
        let Unit::Call { id, name } = unit else { return };
        self.input = (self.plan.form(unit) == CallForm::Custom).then(String::new);
        let (kind, input) =
            if self.input.is_some() { ("custom", "input") } else { ("function", "arguments") };
        let mut call = Obj::default();
        call.push("index", self.calls);
        call.push("id", id.as_str());
        call.push("type", kind);
        call.push(kind, obj([("name", s(self.plan.names.original(name))), (input, "".into())]));
        call.push_some("extra_content", self.signature.take().map(google));
        self.delta_of(&obj([("tool_calls", Json::Arr(vec![Json::Obj(call)]))]), None, out);
        self.calls += 1;
        self.has_arguments = false;
    }

    fn delta(&mut self, text: &str, out: &mut Vec<u8>) {
        let member = match self.unit {
            Unit::Text => r#"{"index":0,"delta":{"content":"#,
            Unit::Reasoning => r#"{"index":0,"delta":{"reasoning_content":"#,
            Unit::Refusal => r#"{"index":0,"delta":{"refusal":"#,
            Unit::Call { .. } => return self.arguments(text, out),
        };
        Line(out).raw(&self.head).raw(member).str(text).raw("}").raw(NOT_FINISHED);
    }

    fn seal(&mut self, opaque: &Opaque<'_>, _: &mut Vec<u8>) {
        if opaque.origin == Origin::GeminiCall {
            self.signature = Some(opaque.payload.clone().into_owned());
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if let Some(input) = self.input.take() {
            let custom = obj([("input", s(plain_input(&input)))]);
            let call = obj([("index", n(self.calls.saturating_sub(1))), ("custom", custom)]);
            self.delta_of(&obj([("tool_calls", Json::Arr(vec![call]))]), None, out);
        } else if matches!(self.unit, Unit::Call { .. }) && !self.has_arguments {
            self.arguments("{}", out);
        }
    }

    fn end(&mut self, finish: &Finish, out: &mut Vec<u8>) {
        self.delta_of(&Json::Obj(Obj::default()), Some(stop(&finish.reason)), out);
        if self.plan.include_usage {
            Line(out).raw(&self.head).raw(r#"],"usage":"#);
            usage(&finish.usage).write(out);
            Line(out).raw("}\n\n");
        }
        push_event(out, None, b"[DONE]");
    }

    fn fail(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        out.extend_from_slice(&failure.body(Dialect::OpenAi).frame(Dialect::OpenAi));
    }
}

fn google<'a>(signature: String) -> Json<'a> {
    obj([("google", obj([("thought_signature", s(signature))]))])
}

/// One of the answers of a body.
fn choice<'a>(plan: &'a AnswerPlan, index: u64, answer: &'a Answer) -> Json<'a> {
    let (mut text, mut thought, mut refusal) = (String::new(), String::new(), String::new());
    let mut calls: Vec<Json<'a>> = Vec::new();
    let mut signature = None;
    for done in &answer.units {
        match &done.unit {
            Unit::Text => text.push_str(&done.text),
            Unit::Refusal => refusal.push_str(&done.text),
            Unit::Reasoning => {
                thought.push_str(&done.text);
                signature = done.opaque().filter(|opaque| opaque.origin == Origin::GeminiCall).or(signature);
            }
            Unit::Call { id, name } => {
                let (kind, input, text) = match plan.form(&done.unit) {
                    CallForm::Custom => ("custom", "input", plain_input(&done.text).into()),
                    _ => ("function", "arguments", text_args(&done.text.as_str().into())),
                };
                let mut call = Obj::default();
                call.push("id", id.as_str());
                call.push("type", kind);
                call.push(kind, obj([("name", s(plan.names.original(name))), (input, s(text))]));
                call.push_some(
                    "extra_content",
                    signature.take().map(|opaque| google(opaque.payload.into_owned())),
                );
                calls.push(Json::Obj(call));
            }
        }
    }
    let mut message = Obj::default();
    message.push("role", "assistant");
    let nothing = text.is_empty() && (!calls.is_empty() || !refusal.is_empty());
    message.push("content", if nothing { Json::Null } else { s(text) });
    message.push("refusal", if refusal.is_empty() { Json::Null } else { s(refusal) });
    if !thought.is_empty() {
        message.push("reasoning_content", thought);
    }
    if !calls.is_empty() {
        message.push("tool_calls", calls);
    }
    obj([
        ("index", n(index)),
        ("message", Json::Obj(message)),
        ("logprobs", Json::Null),
        ("finish_reason", answer.finish.as_ref().map_or("stop", |finish| stop(&finish.reason)).into()),
    ])
}

/// A whole body, with one answer or several.
pub(crate) fn body<'a>(plan: &'a AnswerPlan, answers: &'a [Answer]) -> Json<'a> {
    let first = answers.first();
    let id = first.map(|answer| answer.head.id.as_str()).unwrap_or_default();
    let finish = first.and_then(|answer| answer.finish.as_ref());
    let choices = (0..).zip(answers).map(|(index, answer)| choice(plan, index, answer)).collect();
    obj([
        ("id", plan.answer_id("chatcmpl-", id).into()),
        ("object", "chat.completion".into()),
        ("created", n(plan.created)),
        ("model", plan.model.as_str().into()),
        ("choices", Json::Arr(choices)),
        ("usage", usage(&finish.map(|finish| finish.usage).unwrap_or_default())),
    ])
}

fn stop(reason: &Reason) -> &'static str {
    match reason {
        Reason::Tool => "tool_calls",
        Reason::Length | Reason::Context => "length",
        Reason::Filter => "content_filter",
        Reason::Stop | Reason::StopSequence(_) | Reason::Pause | Reason::Error(_) => "stop",
    }
}

fn usage(usage: &Usage) -> Json<'static> {
    let input = usage.total_input();
    let written = usage.cache_write_5m.saturating_add(usage.cache_write_1h);
    obj([
        ("prompt_tokens", n(input)),
        ("completion_tokens", n(usage.output)),
        ("total_tokens", n(input.saturating_add(usage.output))),
        (
            "prompt_tokens_details",
            obj([("cached_tokens", n(usage.cache_read)), ("cache_write_tokens", n(written))]),
        ),
        ("completion_tokens_details", obj([("reasoning_tokens", n(usage.reasoning))])),
    ])
}
