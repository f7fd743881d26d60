//! Writing answers for Claude clients, as streams and as bodies.

use hub_types::{Dialect, Usage};

use crate::convert::answer::{Answer, Done, Emit, Finish, Head, Reason, Unit};
use crate::convert::context::object_args;
use crate::convert::ids::{Rule, legal};
use crate::convert::json::{Json, Line, n, obj, s};
use crate::convert::opaque::{Opaque, Origin};
use crate::convert::plan::AnswerPlan;
use crate::error::Failure;
use crate::sse::push_event;

/// A stream of events.
#[derive(Debug)]
pub(crate) struct ClaudeEmit {
    plan: AnswerPlan,
    index: u64,
    unit: Unit,
}

impl ClaudeEmit {
    pub(crate) fn new(plan: AnswerPlan) -> Self {
        Self { plan, index: 0, unit: Unit::Text }
    }

    /// A delta with one text.
    fn delta_of(&self, kind_and_member: &str, text: &str, out: &mut Vec<u8>) {
        Line(out)
            .raw("event: content_block_delta\n")
            .raw(r#"data: {"type":"content_block_delta","index":"#)
            .num(self.index)
            .raw(r#","delta":{"type":""#)
            .raw(kind_and_member)
            .str(text)
            .raw("}}\n\n");
    }
}

fn send(kind: &str, event: &Json<'_>, out: &mut Vec<u8>) {
    let mut data = Vec::new();
    event.write(&mut data);
    push_event(out, Some(kind), &data);
}

impl Emit for ClaudeEmit {
    fn start(&mut self, head: &Head, out: &mut Vec<u8>) {
        let message = message(&self.plan, head, Vec::new(), None, &Usage::default());
        send("message_start", &obj([("type", "message_start".into()), ("message", message)]), out);
    }

    fn open(&mut self, unit: &Unit, out: &mut Vec<u8>) {
        self.unit = unit.clone();
        let block = block(&self.plan, unit, "", None);
        send(
            "content_block_start",
            &obj([
                ("type", "content_block_start".into()),
                ("index", n(self.index)),
                ("content_block", block),
            ]),
            out,
        );
    }

    fn delta(&mut self, text: &str, out: &mut Vec<u8>) {
        let kind_and_member = match self.unit {
            Unit::Text | Unit::Refusal => r#"text_delta","text":"#,
            Unit::Reasoning => r#"thinking_delta","thinking":"#,
            Unit::Call { .. } => r#"input_json_delta","partial_json":"#,
        };
        self.delta_of(kind_and_member, text, out);
    }

    fn seal(&mut self, opaque: &Opaque<'_>, out: &mut Vec<u8>) {
        self.delta_of(r#"signature_delta","signature":"#, &carried(opaque), out);
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        send(
            "content_block_stop",
            &obj([("type", "content_block_stop".into()), ("index", n(self.index))]),
            out,
        );
        self.index += 1;
    }

    fn end(&mut self, finish: &Finish, out: &mut Vec<u8>) {
        let (reason, sequence) = stop(&finish.reason);
        let delta = obj([("stop_reason", reason.into()), ("stop_sequence", sequence)]);
        send(
            "message_delta",
            &obj([("type", "message_delta".into()), ("delta", delta), ("usage", usage(&finish.usage))]),
            out,
        );
        send("message_stop", &obj([("type", "message_stop".into())]), out);
    }

    fn fail(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        out.extend_from_slice(&failure.body(Dialect::Claude).frame(Dialect::Claude));
    }
}

/// A whole body.
pub(crate) fn body<'a>(plan: &'a AnswerPlan, answer: &'a Answer) -> Json<'a> {
    let content = answer
        .units
        .iter()
        .filter(|done| !(done.text.is_empty() && matches!(done.unit, Unit::Text | Unit::Refusal)))
        .map(|done: &Done| block(plan, &done.unit, &done.text, done.opaque().as_ref()))
        .collect();
    let usage = answer.finish.as_ref().map(|finish| finish.usage).unwrap_or_default();
    message(plan, &answer.head, content, answer.finish.as_ref(), &usage)
}

fn message<'a>(
    plan: &'a AnswerPlan,
    head: &Head,
    content: Vec<Json<'a>>,
    finish: Option<&Finish>,
    used: &Usage,
) -> Json<'a> {
    let (reason, sequence) = finish.map_or((Json::Null, Json::Null), |finish| {
        let (word, sequence) = stop(&finish.reason);
        (word.into(), sequence)
    });
    obj([
        ("id", plan.answer_id("msg_", &head.id).into()),
        ("type", "message".into()),
        ("role", "assistant".into()),
        ("model", plan.model.as_str().into()),
        ("content", Json::Arr(content)),
        ("stop_reason", reason),
        ("stop_sequence", sequence),
        ("usage", usage(used)),
    ])
}

fn block<'a>(plan: &AnswerPlan, unit: &Unit, text: &'a str, seal: Option<&Opaque<'_>>) -> Json<'a> {
    match unit {
        Unit::Text | Unit::Refusal => obj([("type", "text".into()), ("text", s(text))]),
        Unit::Reasoning => obj([
            ("type", "thinking".into()),
            ("thinking", s(text)),
            ("signature", seal.map_or_else(|| s(""), |opaque| s(carried(opaque)))),
        ]),
        Unit::Call { id, name } => obj([
            ("type", "tool_use".into()),
            ("id", s(legal(&id.clone().into(), Rule::Claude).into_owned())),
            ("name", s(plan.names.original(name).to_owned())),
            ("input", object_args(&text.into())),
        ]),
    }
}

fn carried(opaque: &Opaque<'_>) -> String {
    if opaque.origin == Origin::Claude { opaque.payload.clone().into_owned() } else { opaque.envelope() }
}

fn stop(reason: &Reason) -> (&'static str, Json<'static>) {
    let word = match reason {
        Reason::Tool => "tool_use",
        Reason::Length => "max_tokens",
        Reason::Context => "model_context_window_exceeded",
        Reason::StopSequence(Some(sequence)) => return ("stop_sequence", s(sequence.clone())),
        Reason::Filter => "refusal",
        Reason::Pause => "pause_turn",
        Reason::Stop | Reason::StopSequence(None) | Reason::Error(_) => "end_turn",
    };
    (word, Json::Null)
}

fn usage(usage: &Usage) -> Json<'static> {
    obj([
        ("input_tokens", n(usage.input)),
        ("cache_read_input_tokens", n(usage.cache_read)),
        ("cache_creation_input_tokens", n(usage.cache_write_5m.saturating_add(usage.cache_write_1h))),
        ("output_tokens", n(usage.output)),
    ])
}
