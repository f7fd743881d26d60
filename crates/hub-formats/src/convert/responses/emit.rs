//! Writing answers for Responses clients, as streams.

use super::object::{State, error, item, item_id, part, response};
use crate::convert::answer::{Done, Emit, Finish, Head, Reason, Unit};
use crate::convert::context::plain_input;
use crate::convert::ir::CallForm;
use crate::convert::json::{Json, Line, Obj, n, obj, s};
use crate::convert::opaque::Opaque;
use crate::convert::plan::AnswerPlan;
use crate::error::Failure;
use crate::sse::push_event;

#[derive(Debug)]
pub(crate) struct ResponsesEmit {
    plan: AnswerPlan,
    id: String,
    sequence: u64,
    open: Done,
    /// The open item's id, and as what its call is told.
    item_id: String,
    form: CallForm,
    /// The summary's part of the open reasoning was announced.
    has_part: bool,
    output: Vec<Json<'static>>,
}

impl ResponsesEmit {
    pub(crate) fn new(plan: AnswerPlan) -> Self {
        let open = Done { unit: Unit::Text, text: String::new(), seal: None };
        Self {
            plan,
            id: String::new(),
            sequence: 0,
            open,
            item_id: String::new(),
            form: CallForm::Function,
            has_part: false,
            output: Vec::new(),
        }
    }

    fn index(&self) -> u64 {
        self.output.len() as u64
    }

    fn send<const N: usize>(
        &mut self,
        kind: &'static str,
        members: [(&str, Json<'_>); N],
        out: &mut Vec<u8>,
    ) {
        let mut data = Vec::new();
        let mut event = Obj::default();
        event.push("type", kind);
        event.push("sequence_number", self.sequence);
        for (key, value) in members {
            event.members.push((key.into(), value));
        }
        Json::Obj(event).write(&mut data);
        self.sequence += 1;
        push_event(out, Some(kind), &data);
    }

    /// The beginning of an event about the open item, up to its last members.
    fn line<'o>(&mut self, kind: &'static str, out: &'o mut Vec<u8>) -> Line<'o> {
        let line = Line(out)
            .raw("event: ")
            .raw(kind)
            .raw("\ndata: {\"type\":\"")
            .raw(kind)
            .raw(r#"","sequence_number":"#)
            .num(self.sequence)
            .raw(r#","item_id":"#)
            .str(&self.item_id)
            .raw(r#","output_index":"#)
            .num(self.index())
            .raw(",");
        self.sequence += 1;
        line
    }

    /// An event about the open item.
    fn about<const N: usize>(
        &mut self,
        kind: &'static str,
        members: [(&str, Json<'_>); N],
        out: &mut Vec<u8>,
    ) {
        self.line(kind, out);
        let members = obj(members).to_text();
        Line(out).raw(members.strip_prefix('{').unwrap_or_default()).raw("\n\n");
    }

    fn state(&mut self, kind: &'static str, state: &State<'_>, out: &mut Vec<u8>) {
        let output = self.output.clone();
        let object = response(&self.plan, &self.id, output, state).into_owned();
        self.send(kind, [("response", object)], out);
    }

    fn argument(&mut self, text: &str, out: &mut Vec<u8>) {
        self.line("response.function_call_arguments.delta", out).raw(DELTA).str(text).raw("}\n\n");
    }
}

const DELTA: &str = r#""delta":"#;

fn summary(text: &str) -> Json<'_> {
    obj([("type", "summary_text".into()), ("text", s(text))])
}

impl Emit for ResponsesEmit {
    fn start(&mut self, head: &Head, out: &mut Vec<u8>) {
        self.id = self.plan.answer_id("resp_", &head.id);
        self.state("response.created", &State::InProgress, out);
        self.state("response.in_progress", &State::InProgress, out);
    }

    fn open(&mut self, unit: &Unit, out: &mut Vec<u8>) {
        self.open = Done { unit: unit.clone(), text: String::new(), seal: None };
        self.has_part = false;
        let index = self.index();
        self.item_id = item_id(&self.plan, unit, index);
        self.form = self.plan.form(unit);
        let item = item(&self.plan, index, &self.open, false);
        self.send("response.output_item.added", [("output_index", n(index)), ("item", item)], out);
        if matches!(unit, Unit::Text | Unit::Refusal) {
            self.about(
                "response.content_part.added",
                [("content_index", n(0)), ("part", part(unit, ""))],
                out,
            );
        }
    }

    fn delta(&mut self, text: &str, out: &mut Vec<u8>) {
        self.open.text.push_str(text);
        match self.open.unit {
            Unit::Text => {
                let line = self.line("response.output_text.delta", out).raw(r#""content_index":0,"#);
                line.raw(DELTA).str(text).raw(",\"logprobs\":[]}\n\n");
            }
            Unit::Refusal => {
                let line = self.line("response.refusal.delta", out).raw(r#""content_index":0,"#);
                line.raw(DELTA).str(text).raw("}\n\n");
            }
            Unit::Reasoning => {
                if !std::mem::replace(&mut self.has_part, true) {
                    self.about(
                        "response.reasoning_summary_part.added",
                        [("summary_index", n(0)), ("part", summary(""))],
                        out,
                    );
                }
                let line = self.line("response.reasoning_summary_text.delta", out);
                line.raw(r#""summary_index":0,"#).raw(DELTA).str(text).raw("}\n\n");
            }
            // The rest comes whole.
            Unit::Call { .. } if self.form == CallForm::Function => self.argument(text, out),
            Unit::Call { .. } => {}
        }
    }

    fn seal(&mut self, opaque: &Opaque<'_>, _: &mut Vec<u8>) {
        self.open.seal = Some((opaque.origin, opaque.payload.clone().into_owned()));
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        let text = std::mem::take(&mut self.open.text);
        match self.open.unit {
            Unit::Text | Unit::Refusal => {
                let whole = part(&self.open.unit, &text).into_owned();
                if self.open.unit == Unit::Text {
                    let none = Json::Arr(Vec::new());
                    let members = [("content_index", n(0)), ("text", s(&*text)), ("logprobs", none)];
                    self.about("response.output_text.done", members, out);
                } else {
                    let members = [("content_index", n(0)), ("refusal", s(&*text))];
                    self.about("response.refusal.done", members, out);
                }
                self.about("response.content_part.done", [("content_index", n(0)), ("part", whole)], out);
            }
            Unit::Reasoning if self.has_part => {
                self.about(
                    "response.reasoning_summary_text.done",
                    [("summary_index", n(0)), ("text", s(&*text))],
                    out,
                );
                self.about(
                    "response.reasoning_summary_part.done",
                    [("summary_index", n(0)), ("part", summary(&text))],
                    out,
                );
            }
            Unit::Call { .. } if self.form == CallForm::Custom => {
                let input = plain_input(&text);
                self.about("response.custom_tool_call_input.delta", [("delta", s(&*input))], out);
                self.about("response.custom_tool_call_input.done", [("input", s(&*input))], out);
            }
            Unit::Call { ref name, .. } if self.form == CallForm::Function => {
                let name = self.plan.names.original(name).to_owned();
                if text.is_empty() {
                    self.argument("{}", out);
                }
                let whole = if text.is_empty() { "{}" } else { &text };
                self.about(
                    "response.function_call_arguments.done",
                    [("name", s(name)), ("arguments", s(whole))],
                    out,
                );
            }
            // All of it stands in the item.
            Unit::Reasoning | Unit::Call { .. } => {}
        }
        self.open.text = text;
        let index = self.index();
        let item = item(&self.plan, index, &self.open, true);
        self.send("response.output_item.done", [("output_index", n(index)), ("item", item.clone())], out);
        self.output.push(item);
    }

    fn end(&mut self, finish: &Finish, out: &mut Vec<u8>) {
        let kind = match finish.reason {
            Reason::Length | Reason::Context | Reason::Filter => "response.incomplete",
            _ => "response.completed",
        };
        self.state(kind, &State::Finished(finish), out);
    }

    fn fail(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        let object =
            response(&self.plan, &self.id, self.output.clone(), &State::Failed(failure)).into_owned();
        // The vendor's SDKs hand the event on as any other, but raise an error that stands beside the type.
        self.send("response.failed", [("response", object), ("error", error(failure))], out);
    }
}
