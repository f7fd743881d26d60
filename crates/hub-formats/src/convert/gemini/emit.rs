//! Writing answers for Gemini clients, bare or wrapped, as streams and as bodies.

use hub_types::{Dialect, Usage};

use crate::convert::answer::{Answer, Done, Emit, Finish, Head, Reason, Unit};
use crate::convert::context::object_args;
use crate::convert::json::{Json, Line, Obj, n, obj, parse, s};
use crate::convert::opaque::Opaque;
use crate::convert::plan::AnswerPlan;
use crate::error::Failure;

/// A stream of chunks. A call is told when it is complete.
#[derive(Debug)]
pub(crate) struct GeminiEmit {
    plan: AnswerPlan,
    id: String,
    /// What stands before and behind the text of an event.
    frame: (Vec<u8>, Vec<u8>),
    open: Done,
    /// Of a list: something stands in it already.
    has_item: bool,
    /// A signature that waits for a part to stand on.
    signature: Option<String>,
}

impl GeminiEmit {
    pub(crate) fn new(plan: AnswerPlan) -> Self {
        let open = Done { unit: Unit::Text, text: String::new(), seal: None };
        Self { plan, id: String::new(), frame: Default::default(), open, has_item: false, signature: None }
    }

    fn chunk(&mut self, parts: Vec<Json<'_>>, finish: Option<&Finish>, out: &mut Vec<u8>) {
        let chunk = answer(&self.plan, &self.id, vec![candidate(0, parts, finish)], finish);
        let chunk = chunk.into_owned();
        self.send(&chunk, out);
    }

    /// One event, or one item of the list.
    fn send(&mut self, chunk: &Json<'_>, out: &mut Vec<u8>) {
        if self.plan.list {
            self.begin_item(out);
            chunk.write(out);
            return;
        }
        out.extend_from_slice(b"data: ");
        chunk.write(out);
        out.extend_from_slice(b"\n\n");
    }

    fn end_list(&self, out: &mut Vec<u8>) {
        if self.plan.list {
            out.push(b']');
        }
    }

    fn begin_item(&mut self, out: &mut Vec<u8>) {
        let is_first = !std::mem::replace(&mut self.has_item, true);
        out.extend_from_slice(if is_first { b"[" } else { b",\n" });
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
            .raw(if self.plan.list { "" } else { "data: " })
            .raw(if is_wrapped { r#"{"response":"# } else { "" })
            .raw(r#"{"candidates":[{"content":{"role":"model","parts":["#);
        let line = Line(behind)
            .raw(r#"]},"index":0}],"modelVersion":"#)
            .str(&self.plan.model)
            .raw(r#","responseId":"#)
            .str(&self.id);
        if is_wrapped {
            line.raw(r#"},"traceId":"#).str(&self.id).raw("}");
        } else {
            line.raw("}");
        }
        if !self.plan.list {
            behind.extend_from_slice(b"\n\n");
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
        if self.plan.list {
            self.begin_item(out);
        }
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
                let part = part(&self.plan, &self.open.unit, &self.open.text, signature).into_owned();
                self.chunk(vec![part], None, out);
            }
            Unit::Reasoning => {
                if let Some(signature) = self.signature.take() {
                    let part = part(&self.plan, &Unit::Reasoning, "", Some(signature)).into_owned();
                    self.chunk(vec![part], None, out);
                }
            }
            Unit::Text | Unit::Refusal => {}
        }
    }

    fn end(&mut self, finish: &Finish, out: &mut Vec<u8>) {
        self.chunk(Vec::new(), Some(finish), out);
        self.end_list(out);
    }

    fn fail(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        self.send(&failure.body(Dialect::Gemini).json(Dialect::Gemini), out);
        self.end_list(out);
    }
}

/// A whole body, with one answer or several.
pub(crate) fn body<'a>(plan: &'a AnswerPlan, answers: &'a [Answer]) -> Json<'a> {
    let candidates = (0..).zip(answers).map(|(index, whole)| {
        let parts = whole
            .units
            .iter()
            .map(|done| part(plan, &done.unit, &done.text, done.opaque().map(|opaque| carried(&opaque))));
        candidate(index, parts.collect(), whole.finish.as_ref())
    });
    let id = plan.answer_id("", answers.first().map(|whole| whole.head.id.as_str()).unwrap_or_default());
    let finish = answers.first().and_then(|whole| whole.finish.as_ref());
    answer(plan, &id, candidates.collect(), finish).into_owned()
}

fn candidate<'a>(index: u64, parts: Vec<Json<'a>>, finish: Option<&Finish>) -> Json<'a> {
    let mut candidate = Obj::default();
    candidate.push("content", obj([("role", "model".into()), ("parts", Json::Arr(parts))]));
    candidate.push_some("finishReason", finish.map(|finish| stop(&finish.reason)));
    candidate.push("index", n(index));
    Json::Obj(candidate)
}

fn answer<'a>(
    plan: &'a AnswerPlan,
    id: &'a str,
    candidates: Vec<Json<'a>>,
    finish: Option<&Finish>,
) -> Json<'a> {
    let mut answer = Obj::default();
    answer.push("candidates", candidates);
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
