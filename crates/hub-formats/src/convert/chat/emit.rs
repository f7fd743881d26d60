//! Into chat answers.

use hub_types::{Dialect, Usage};

use crate::convert::answer::{Answer, Emit, Failure, Finish, Head, Reason, Unit};
use crate::convert::context::text_args;
use crate::convert::json::{Json, Obj, n, obj, s};
use crate::convert::opaque::{Opaque, Origin};
use crate::convert::plan::AnswerPlan;
use crate::sse::push_event;

/// A stream of chunks.
#[derive(Debug)]
pub(crate) struct ChatEmit {
    plan: AnswerPlan,
    id: String,
    unit: Unit,
    calls: u64,
    /// The open call has arguments.
    has_arguments: bool,
    /// Gemini's signature of the next call.
    signature: Option<String>,
}

impl ChatEmit {
    pub(crate) fn new(plan: AnswerPlan) -> Self {
        Self { plan, id: String::new(), unit: Unit::Text, calls: 0, has_arguments: false, signature: None }
    }

    fn chunk(&self, choices: Json<'_>, usage: Option<Json<'_>>, out: &mut Vec<u8>) {
        let mut chunk = Obj::default();
        chunk.push("id", self.id.as_str());
        chunk.push("object", "chat.completion.chunk");
        chunk.push("created", self.plan.created);
        chunk.push("model", self.plan.model.as_str());
        chunk.push("choices", choices);
        chunk.push_some("usage", usage);
        let mut data = Vec::new();
        Json::Obj(chunk).write(&mut data);
        push_event(out, None, &data);
    }

    fn delta_of(&self, delta: Json<'_>, finish: Option<&'static str>, out: &mut Vec<u8>) {
        let choice = obj([
            ("index", n(0)),
            ("delta", delta),
            ("logprobs", Json::Null),
            ("finish_reason", finish.map_or(Json::Null, Json::from)),
        ]);
        self.chunk(Json::Arr(vec![choice]), None, out);
    }

    fn arguments(&mut self, text: &str, out: &mut Vec<u8>) {
        self.has_arguments = true;
        let call =
            obj([("index", n(self.calls.saturating_sub(1))), ("function", obj([("arguments", s(text))]))]);
        self.delta_of(obj([("tool_calls", Json::Arr(vec![call]))]), None, out);
    }
}

impl Emit for ChatEmit {
    fn start(&mut self, head: &Head, out: &mut Vec<u8>) {
        self.id = self.plan.answer_id("chatcmpl-", &head.id);
        self.delta_of(obj([("role", "assistant".into()), ("content", "".into())]), None, out);
    }

    fn open(&mut self, unit: &Unit, out: &mut Vec<u8>) {
        self.unit = unit.clone();
        let Unit::Call { id, name } = unit else { return };
        let mut call = Obj::default();
        call.push("index", self.calls);
        call.push("id", id.as_str());
        call.push("type", "function");
        call.push("function", obj([("name", s(self.plan.names.original(name))), ("arguments", "".into())]));
        call.push_some("extra_content", self.signature.take().map(google));
        self.delta_of(obj([("tool_calls", Json::Arr(vec![Json::Obj(call)]))]), None, out);
        self.calls += 1;
        self.has_arguments = false;
    }

    fn delta(&mut self, text: &str, out: &mut Vec<u8>) {
        let member = match self.unit {
            Unit::Text => "content",
            Unit::Reasoning => "reasoning_content",
            Unit::Refusal => "refusal",
            Unit::Call { .. } => return self.arguments(text, out),
        };
        self.delta_of(obj([(member, s(text))]), None, out);
    }

    fn seal(&mut self, opaque: &Opaque<'_>, _: &mut Vec<u8>) {
        if opaque.origin == Origin::GeminiCall {
            self.signature = Some(opaque.payload.clone().into_owned());
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if matches!(self.unit, Unit::Call { .. }) && !self.has_arguments {
            self.arguments("{}", out);
        }
    }

    fn end(&mut self, finish: &Finish, out: &mut Vec<u8>) {
        self.delta_of(Json::Obj(Obj::default()), Some(stop(&finish.reason)), out);
        if self.plan.include_usage {
            self.chunk(Json::Arr(Vec::new()), Some(usage(&finish.usage)), out);
        }
        push_event(out, None, b"[DONE]");
    }

    fn fail(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        let mut data = Vec::new();
        failure.body(Dialect::OpenAi).write(&mut data);
        push_event(out, None, &data);
    }
}

fn google<'a>(signature: String) -> Json<'a> {
    obj([("google", obj([("thought_signature", s(signature))]))])
}

/// A whole body.
pub(crate) fn body<'a>(plan: &'a AnswerPlan, answer: &'a Answer) -> Json<'a> {
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
                let function = obj([
                    ("name", s(plan.names.original(name))),
                    ("arguments", s(text_args(&done.text.as_str().into()))),
                ]);
                let mut call = Obj::default();
                call.push("id", id.as_str());
                call.push("type", "function");
                call.push("function", function);
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
    let finish = answer.finish.as_ref();
    let choice = obj([
        ("index", n(0)),
        ("message", Json::Obj(message)),
        ("logprobs", Json::Null),
        ("finish_reason", finish.map_or("stop", |finish| stop(&finish.reason)).into()),
    ]);
    obj([
        ("id", plan.answer_id("chatcmpl-", &answer.head.id).into()),
        ("object", "chat.completion".into()),
        ("created", n(plan.created)),
        ("model", plan.model.as_str().into()),
        ("choices", Json::Arr(vec![choice])),
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
