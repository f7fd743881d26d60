//! Puts events in the order that every client takes: one unit at a time, calls one after the other, one end.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use hub_types::Usage;

use super::{Event, Reason};
use crate::convert::ids::{Rule, digest, legal};
use crate::convert::loss::LossReport;
use crate::convert::opaque::{Opaque, Origin};
use crate::error::{ErrorKind, Failure};

/// What an answer is called.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    /// The provider's id, or nothing.
    pub(crate) id: String,
}

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unit {
    Text,
    Reasoning,
    Refusal,
    /// With the provider's id and name.
    Call {
        id: String,
        name: String,
    },
}

/// The end of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Finish {
    pub(crate) reason: Reason,
    pub(crate) usage: Usage,
}

/// Writes one dialect's answers. Calls come in order: `start`, then units (`open`, `delta`*, `seal`?, `close`),
/// then `end`; or `fail` at any moment.
pub(crate) trait Emit {
    fn start(&mut self, head: &Head, out: &mut Vec<u8>);
    fn open(&mut self, unit: &Unit, out: &mut Vec<u8>);
    fn delta(&mut self, text: &str, out: &mut Vec<u8>);
    /// What seals the reasoning that is open.
    fn seal(&mut self, opaque: &Opaque<'_>, out: &mut Vec<u8>);
    fn close(&mut self, out: &mut Vec<u8>);
    fn end(&mut self, finish: &Finish, out: &mut Vec<u8>);
    fn fail(&mut self, failure: &Failure, out: &mut Vec<u8>);
}

/// A call that has not ended.
#[derive(Debug, Default)]
struct Pending {
    key: u64,
    id: String,
    name: String,
    /// Arguments that came before their turn.
    held: String,
    announced: bool,
    ended: bool,
}

/// Arguments of calls that wait for their turn may have this many bytes together.
const MAX_HELD: usize = 16 * 1024 * 1024;
/// The most bytes of text and arguments of one answer: some clients get it in one piece.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// Calls that may wait.
const MAX_CALLS: usize = 4096;

#[derive(Debug)]
pub(crate) struct Arrange<E> {
    pub(crate) emit: E,
    head: Head,
    salt: String,
    started: bool,
    open: Option<Unit>,
    queue: VecDeque<Pending>,
    /// Where in the queue a call is, counted from the first call of all.
    places: HashMap<u64, usize>,
    /// Calls that have left the queue.
    passed: usize,
    held: usize,
    /// Bytes that were told.
    told: usize,
    calls: u64,
    content: bool,
    finish: Option<Reason>,
    failure: Option<Failure>,
    last: bool,
    /// Which ids of calls the client takes.
    rule: Option<Rule>,
    losses: LossReport,
    /// The signature that belongs to the next call.
    signature: Option<String>,
    /// Signatures by the ids of their calls.
    signed: Vec<(String, String)>,
}

impl<E: Emit> Arrange<E> {
    pub(crate) fn new(emit: E, salt: &str, rule: Option<Rule>) -> Self {
        Self {
            emit,
            head: Head::default(),
            salt: salt.to_owned(),
            started: false,
            open: None,
            queue: VecDeque::new(),
            places: HashMap::new(),
            passed: 0,
            held: 0,
            told: 0,
            calls: 0,
            content: false,
            finish: None,
            failure: None,
            last: false,
            rule,
            losses: LossReport::default(),
            signature: None,
            signed: Vec::new(),
        }
    }

    /// What could not be carried so far.
    pub(crate) fn losses(&self) -> &LossReport {
        &self.losses
    }

    /// Takes what was signed so far: ids of calls, and the signatures in their envelopes.
    pub(crate) fn take_signed(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.signed)
    }

    /// The first failure, if there was one.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Was the model's reason to stop seen?
    pub(crate) fn complete(&self) -> bool {
        self.finish.is_some()
    }

    /// Has the dialect said that nothing follows?
    pub(crate) fn last_seen(&self) -> bool {
        self.last
    }

    pub(crate) fn take(&mut self, event: Event<'_>, out: &mut Vec<u8>) {
        if self.failure.is_some() || self.last {
            return;
        }
        if let Event::Text(text)
        | Event::Reasoning(text)
        | Event::Refusal(text)
        | Event::ToolArgs { text, .. } = &event
        {
            self.told += text.len();
            if self.told > MAX_ANSWER {
                self.failure = Some(Failure::new(ErrorKind::Api, "the upstream's answer is too large"));
                return;
            }
        }
        match event {
            Event::Start { id } => {
                if self.head.id.is_empty() {
                    id.clone_into(&mut self.head.id);
                }
            }
            Event::Text(text) => self.text(Unit::Text, text, out),
            Event::Reasoning(text) => self.text(Unit::Reasoning, text, out),
            Event::Refusal(text) => self.text(Unit::Refusal, text, out),
            Event::Opaque(opaque) => {
                self.end_calls(out);
                if self.open != Some(Unit::Reasoning) {
                    self.close(out);
                    self.open(Unit::Reasoning, out);
                }
                self.emit.seal(&opaque, out);
                self.close(out);
                if opaque.origin == Origin::GeminiCall {
                    self.signature = Some(opaque.envelope());
                }
            }
            Event::BlockEnd => {
                if !matches!(self.open, Some(Unit::Call { .. })) {
                    self.close(out);
                }
            }
            Event::ToolStart { key, id, name } => self.tool_start(key, id, name, out),
            Event::ToolArgs { key, text } => self.tool_args(key, text, out),
            Event::ToolEnd { key } => {
                if let Some(call) = self.place(key).and_then(|at| self.queue.get_mut(at)) {
                    call.ended = true;
                }
                self.pump(out);
            }
            Event::Finish(reason) => {
                // The first one counts: a second is a relay's addition.
                self.finish.get_or_insert(reason);
            }
            Event::Lost { code, detail: "" } => self.losses.note(code),
            Event::Lost { code, detail } => self.losses.note_detail(code, detail),
            Event::Last => self.last = true,
            Event::Error(failure) => self.failure = Some(failure),
        }
    }

    fn text(&mut self, unit: Unit, text: &str, out: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        self.end_calls(out);
        if self.open.as_ref() != Some(&unit) {
            self.close(out);
            self.open(unit, out);
        }
        self.emit.delta(text, out);
    }

    fn open(&mut self, unit: Unit, out: &mut Vec<u8>) {
        self.start(out);
        self.content = true;
        self.emit.open(&unit, out);
        self.open = Some(unit);
    }

    /// Begins the answer, if it has not begun.
    pub(crate) fn start(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.started, true) {
            self.emit.start(&self.head, out);
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if self.open.take().is_some() {
            self.emit.close(out);
        }
    }

    fn tool_start(&mut self, key: u64, id: &str, name: &str, out: &mut Vec<u8>) {
        let at = self.place(key).unwrap_or_else(|| {
            self.queue.push_back(Pending { key, ..Pending::default() });
            self.places.insert(key, self.passed + self.queue.len() - 1);
            self.queue.len() - 1
        });
        if let Some(call) = self.queue.get_mut(at) {
            if call.id.is_empty() {
                id.clone_into(&mut call.id);
            }
            if call.name.is_empty() {
                name.clone_into(&mut call.name);
            }
        }
        if self.queue.len() > MAX_CALLS {
            self.failure = Some(Failure::new(ErrorKind::Api, "the upstream sent too many calls at once"));
        }
        self.pump(out);
    }

    fn tool_args(&mut self, key: u64, text: &str, out: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        let Some(at) = self.place(key) else { return };
        let Some(call) = self.queue.get_mut(at) else { return };
        if call.announced && at == 0 {
            self.emit.delta(text, out);
            return;
        }
        call.held.push_str(text);
        self.held += text.len();
        if self.held > MAX_HELD {
            self.failure = Some(Failure::new(ErrorKind::Api, "the upstream's calls are too large"));
        }
    }

    /// Where a call that has not ended stands in the queue.
    fn place(&self, key: u64) -> Option<usize> {
        self.places.get(&key)?.checked_sub(self.passed)
    }

    /// Takes the call at the head out of the queue.
    fn pass(&mut self) {
        if let Some(call) = self.queue.pop_front() {
            self.places.remove(&call.key);
            self.passed += 1;
        }
    }

    fn end_calls(&mut self, out: &mut Vec<u8>) {
        for call in &mut self.queue {
            call.ended = true;
        }
        self.pump(out);
    }

    /// Announces the call at the head of the queue as soon as it can be, and goes on when it has ended.
    fn pump(&mut self, out: &mut Vec<u8>) {
        while let Some(call) = self.queue.front_mut() {
            if !call.announced {
                if call.name.is_empty() || call.id.is_empty() && !call.ended {
                    if call.ended {
                        // Nobody can run a call without a name.
                        self.held -= call.held.len();
                        self.pass();
                        continue;
                    }
                    return;
                }
                call.announced = true;
                self.calls += 1;
                let id = if call.id.is_empty() {
                    let count = self.calls.to_le_bytes();
                    let pieces =
                        [self.salt.as_bytes(), self.head.id.as_bytes(), &count, call.name.as_bytes()];
                    format!("call_{}", digest(&pieces))
                } else {
                    let given: Cow<'_, str> = Cow::Owned(std::mem::take(&mut call.id));
                    let id = self.rule.map_or_else(|| given.clone(), |rule| legal(&given, rule));
                    if id != given {
                        self.losses.note("id_rewritten");
                    }
                    id.into_owned()
                };
                if let Some(signature) = self.signature.take() {
                    self.signed.push((id.clone(), signature));
                }
                let unit = Unit::Call { id, name: call.name.clone() };
                let held = std::mem::take(&mut call.held);
                self.held -= held.len();
                self.close(out);
                self.open(unit, out);
                if !held.is_empty() {
                    self.emit.delta(&held, out);
                }
            }
            if !self.queue.front().is_some_and(|call| call.ended) {
                return;
            }
            self.pass();
            self.close(out);
        }
    }

    /// The answer is complete.
    pub(crate) fn end(&mut self, usage: Usage, out: &mut Vec<u8>) {
        self.end_calls(out);
        self.close(out);
        let reason = match self.finish.take().unwrap_or(Reason::Stop) {
            // Calls decide.
            Reason::Stop | Reason::Tool | Reason::StopSequence(_) | Reason::Error(_) if self.calls > 0 => {
                Reason::Tool
            }
            Reason::Error(message) if !self.content => {
                self.failure = Some(Failure::new(ErrorKind::Api, &message));
                return;
            }
            Reason::Tool | Reason::Error(_) => Reason::Stop,
            reason => reason,
        };
        self.start(out);
        self.emit.end(&Finish { reason, usage }, out);
    }

    /// The answer has failed: nothing follows.
    pub(crate) fn fail(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        self.start(out);
        self.emit.fail(failure, out);
    }
}

impl<E> Arrange<E> {
    /// Does the client know of the answer already?
    pub(crate) fn started(&self) -> bool {
        self.started
    }

    pub(crate) fn set_failure(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
    }
}
