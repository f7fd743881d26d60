//! Into generateContent answers, bare or wrapped.

use hub_types::{Dialect, Usage};

use crate::convert::answer::{Answer, Done, Emit, Failure, Finish, Head, Reason, Unit};
use crate::convert::context::object_args;
use crate::convert::json::{Json, Line, Obj, n, obj, parse, s};
use crate::convert::opaque::Opaque;
use crate::convert::plan::AnswerPlan;
use crate::sse::push_event;

/// A stream of chunks. A call is told when it is complete.
#[derive(Debug)]
pub(crate) struct GeminiEmit {
    plan: AnswerPlan,
    id: String,
    /// What stands before and behind the text of an event.
    frame: (Vec<u8>, Vec<u8>),
    open: Done,
    /// A signature that waits for a part to stand on.
    signature: Option<String>,
}

impl GeminiEmit {
    pub(crate) fn new(plan: AnswerPlan) -> Self {
        let open = Done { unit: Unit::Text, text: String::new(), seal: None };
        Self { plan, id: String::new(), frame: Default::default(), open, signature: None }
    }

    fn chunk(&self, parts: Vec<Json<'_>>, finish: Option<&Finish>, out: &mut Vec<u8>) {
        let mut data = Vec::new();
        answer(&self.plan, &self.id, parts, finish).write(&mut data);
        push_event(out, None, &data);
    }
}

impl GeminiEmit {
    /// Every event but the last is the same around its part.
    fn begin(&mut self) {
        let is_wrapped = self.plan.client == Dialect::GeminiCli;
        let (before, behind) = &mut self.frame;
        before.clear();
        behind.clear();
        Line(before)
            .raw(if is_wrapped { r#"data: {"response":"# } else { "data: " })
            .raw(r#"{"candidates":[{"content":{"role":"model","parts":["#);
        let line = Line(behind)
            .raw(r#"]},"index":0}],"modelVersion":"#)
            .str(&self.plan.model)
            .raw(r#","responseId":"#)
            .str(&self.id);
        if is_wrapped {
            line.raw(r#"},"traceId":"#).str(&self.id).raw("}\n\n");
        } else {
            line.raw("}\n\n");
        }
    }
}

impl Emit for GeminiEmit {
    fn start(&mut self, head: &Head, _: &mut Vec<u8>) {
        self.id = self.plan.answer_id("", &head.id);
        self.begin();
    }

    fn open(&mut self, unit: &Unit, _: &mut Vec<u8>) {
        self.open = Done { unit: unit.clone(), text: String::new(), seal: None };
    }

    fn delta(&mut self, text: &str, out: &mut Vec<u8>) {
        if matches!(self.open.unit, Unit::Call { .. }) {
            self.open.text.push_str(text);
            return;
        }
        let member = if self.open.unit == Unit::Reasoning { r#","thought":true}"# } else { "}" };
        let (before, behind) = &self.frame;
        Line(out).raw(before).raw(r#"{"text":"#).str(text).raw(member).raw(behind);
    }

    fn seal(&mut self, opaque: &Opaque<'_>, _: &mut Vec<u8>) {
        self.signature = Some(carried(opaque));
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        match self.open.unit {
            Unit::Call { .. } => {
                let signature = self.signature.take();
                self.chunk(vec![part(&self.plan, &self.open.unit, &self.open.text, signature)], None, out);
            }
            Unit::Reasoning => {
                if let Some(signature) = self.signature.take() {
                    self.chunk(vec![part(&self.plan, &Unit::Reasoning, "", Some(signature))], None, out);
                }
            }
            Unit::Text | Unit::Refusal => {}
        }
    }

    fn end(&mut self, finish: &Finish, out: &mut Vec<u8>) {
        self.chunk(Vec::new(), Some(finish), out);
    }

    fn fail(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        let mut data = Vec::new();
        failure.body(Dialect::Gemini).write(&mut data);
        push_event(out, None, &data);
    }
}

/// A whole body.
pub(crate) fn body<'a>(plan: &'a AnswerPlan, whole: &'a Answer) -> Json<'a> {
    let parts = whole
        .units
        .iter()
        .map(|done| part(plan, &done.unit, &done.text, done.opaque().map(|opaque| carried(&opaque))));
    let id = plan.answer_id("", &whole.head.id);
    answer(plan, &id, parts.collect(), whole.finish.as_ref()).into_owned()
}

fn answer<'a>(plan: &'a AnswerPlan, id: &'a str, parts: Vec<Json<'a>>, finish: Option<&Finish>) -> Json<'a> {
    let mut candidate = Obj::default();
    candidate.push("content", obj([("role", "model".into()), ("parts", Json::Arr(parts))]));
    candidate.push_some("finishReason", finish.map(|finish| stop(&finish.reason)));
    candidate.push("index", n(0));
    let mut answer = Obj::default();
    answer.push("candidates", Json::Arr(vec![Json::Obj(candidate)]));
    answer.push_some("usageMetadata", finish.map(|finish| usage(&finish.usage)));
    answer.push("modelVersion", plan.model.as_str());
    answer.push("responseId", id);
    if plan.client == Dialect::GeminiCli {
        return obj([("response", Json::Obj(answer)), ("traceId", id.into())]);
    }
    Json::Obj(answer)
}

fn part<'a>(plan: &AnswerPlan, unit: &Unit, text: &'a str, signature: Option<String>) -> Json<'a> {
    let mut part = Obj::default();
    match unit {
        Unit::Text | Unit::Refusal => part.push("text", text),
        Unit::Reasoning => {
            part.push("text", text);
            part.push("thought", true);
        }
        Unit::Call { id, name } => {
            // Line ends in the arguments would cut the event's one line in two.
            let args = match parse(text.as_bytes()) {
                Ok(object @ Json::Obj(_)) => object,
                _ => object_args(&text.into()),
            };
            part.push(
                "functionCall",
                obj([
                    ("id", s(id.clone())),
                    ("name", s(plan.names.original(name).to_owned())),
                    ("args", args),
                ]),
            );
        }
    }
    part.push_some("thoughtSignature", signature);
    Json::Obj(part)
}

fn carried(opaque: &Opaque<'_>) -> String {
    if opaque.origin.is_gemini() { opaque.payload.clone().into_owned() } else { opaque.envelope_base64() }
}

fn stop(reason: &Reason) -> &'static str {
    match reason {
        Reason::Length | Reason::Context => "MAX_TOKENS",
        Reason::Filter => "SAFETY",
        Reason::Stop | Reason::Tool | Reason::StopSequence(_) | Reason::Pause | Reason::Error(_) => "STOP",
    }
}

fn usage(usage: &Usage) -> Json<'static> {
    let input = usage.total_input();
    obj([
        ("promptTokenCount", n(input)),
        ("cachedContentTokenCount", n(usage.cache_read)),
        ("candidatesTokenCount", n(usage.output.saturating_sub(usage.reasoning))),
        ("thoughtsTokenCount", n(usage.reasoning)),
        ("totalTokenCount", n(input.saturating_add(usage.output))),
    ])
}
