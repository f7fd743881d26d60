//! The converter of one answer, whatever its form: streams and bodies, to streams and bodies.

use hub_types::{Dialect, Endpoint, Usage};
use memchr::memmem;

use super::any::{AnyEmit, AnyIngest};
use super::arrange::Arrange;
use super::list::ListItems;
use super::{Answer, Event};
use crate::convert::ids::Rule;
use crate::convert::loss::LossReport;
use crate::convert::plan::AnswerPlan;
use crate::convert::tape::Tape;
use crate::convert::{chat, claude, gemini, responses};
use crate::error::{ErrorKind, Failure};
use crate::sse::SseDecoder;
use crate::tap::UsageTap;

/// How a converter stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// The answer goes on.
    NeedMore,
    /// It failed, and nothing has been written yet: another provider may be tried.
    Failed(Failure),
    /// Nothing follows. If it failed on the way, the client has been told.
    Done,
}

/// How the upstream's bytes ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// As they should.
    Eof,
    /// The connection broke.
    Cut,
}

/// The most bytes of an answer in one piece.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// Turns an answer of one dialect into one of another while it passes. What comes is recognised by itself: an event
/// stream, or a body in one piece. What is written is a stream or a body as the client asked. The output does not
/// depend on how the input is cut.
#[derive(Debug)]
pub struct Converter {
    plan: AnswerPlan,
    form: Form,
    ingest: AnyIngest,
    arrange: Arrange<AnyEmit>,
    tap: UsageTap,
    tape: Tape,
    /// A failure that came after bytes were written has been told, or the end has.
    over: Option<Status>,
}

#[derive(Debug)]
enum Form {
    /// Nothing but white space yet.
    Unknown,
    Stream(SseDecoder),
    /// Gemini streams so where it was not asked for events.
    List(ListItems),
    Body(Vec<u8>),
}

impl Converter {
    /// A converter at the start of an answer.
    pub fn new(plan: AnswerPlan) -> Self {
        let ingest = AnyIngest::new(plan.upstream, 0);
        let emit = AnyEmit::new(&plan);
        let rule = match plan.client {
            Dialect::Claude => Some(Rule::Claude),
            Dialect::Responses => Some(Rule::Responses),
            _ => None,
        };
        let arrange = Arrange::new(emit, &plan.salt, rule);
        let tap = UsageTap::new(plan.upstream, Endpoint::Generate, true);
        Self { plan, form: Form::Unknown, ingest, arrange, tap, tape: Tape::default(), over: None }
    }

    /// What the upstream says was used so far.
    pub fn usage(&self) -> Option<Usage> {
        self.tap.usage()
    }

    /// What of the answer could not be carried so far.
    pub fn losses(&self) -> &LossReport {
        self.arrange.losses()
    }

    /// For clients that can't carry signatures of calls: takes those that came since the last time, as pairs of a
    /// call's id and its signature. Kept for a day, they serve [`crate::convert::convert_request_with`].
    pub fn take_signatures(&mut self) -> Vec<(String, String)> {
        self.arrange.take_signed()
    }

    /// What went wrong, told to the client or not.
    pub fn failure(&self) -> Option<&Failure> {
        self.arrange.failure()
    }

    /// Takes the upstream's next bytes and appends the client's.
    pub fn feed(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Status {
        if self.over.is_some() {
            return self.status();
        }
        let mut rest = chunk;
        if matches!(self.form, Form::Unknown) {
            // The bytes of a byte order mark can't begin anything else that matters.
            let begins = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0xEF | 0xBB | 0xBF);
            let Some(start) = chunk.iter().position(begins) else { return Status::NeedMore };
            rest = chunk.get(start..).unwrap_or_default();
            self.form = match rest.first() {
                Some(b'[') if self.plan.stream && self.plan.upstream_is_google() => {
                    Form::List(ListItems::default())
                }
                Some(b'{' | b'[') => Form::Body(Vec::new()),
                _ => Form::Stream(SseDecoder::new()),
            };
        }
        match std::mem::replace(&mut self.form, Form::Unknown) {
            Form::Stream(mut decoder) => {
                if let Err(error) = decoder.push(rest, |event| self.event(event.data, out)) {
                    self.arrange.set_failure(Failure::new(ErrorKind::Api, &error.to_string()));
                    self.settle(out);
                }
                self.form = Form::Stream(decoder);
            }
            Form::List(mut list) => {
                if let Err(failure) = list.push(rest, |item| self.event(item, out)) {
                    self.arrange.set_failure(failure);
                    self.settle(out);
                }
                self.form = Form::List(list);
            }
            Form::Body(mut body) => {
                if body.len() + rest.len() > MAX_BODY {
                    self.arrange
                        .set_failure(Failure::new(ErrorKind::Api, "the upstream's answer is too large"));
                    self.settle(out);
                } else {
                    body.extend_from_slice(rest);
                }
                self.form = Form::Body(body);
            }
            Form::Unknown => {}
        }
        self.status()
    }

    /// The upstream's bytes have ended.
    pub fn finish(&mut self, end: End, out: &mut Vec<u8>) -> Status {
        if self.over.is_some() {
            return self.status();
        }
        match std::mem::replace(&mut self.form, Form::Unknown) {
            Form::Stream(mut decoder) => {
                // Half an event at a cut is not an event.
                if end == End::Eof
                    && let Err(error) = decoder.finish(|event| self.event(event.data, out))
                {
                    self.arrange.set_failure(Failure::new(ErrorKind::Api, &error.to_string()));
                }
                if self.over.is_none() && self.arrange.failure().is_none() {
                    self.last(end, out);
                }
                self.settle(out);
            }
            Form::List(_) => {
                self.last(end, out);
                self.settle(out);
            }
            Form::Body(body) => self.whole(&body, out),
            Form::Unknown => {
                self.arrange.set_failure(Failure::new(ErrorKind::Api, "the upstream's answer is empty"));
                self.settle(out);
            }
        }
        self.status()
    }

    /// Vendors that leave out the end of a stream close the connection as one does. One that breaks may have had
    /// more to say, such as what was used.
    fn last(&mut self, end: End, out: &mut Vec<u8>) {
        match end {
            End::Eof => self.arrange.take(Event::Last, out),
            End::Cut => self.arrange.set_failure(cut_off()),
        }
    }

    fn event(&mut self, data: &[u8], out: &mut Vec<u8>) {
        if self.over.is_some() {
            return;
        }
        if data.trim_ascii() == b"[DONE]" {
            self.arrange.take(Event::Last, out);
            self.settle(out);
            return;
        }
        // Every vendor's figures stand in a member whose name has these letters, unless they are escaped.
        let has_figures = memmem::find(data, b"sage").is_some() || memmem::find(data, b"\\u").is_some();
        let Self { ingest, arrange, tape, .. } = self;
        if let Ok(view) = tape.read(data) {
            ingest.get().event(view, &mut |event| arrange.take(event, out));
            if has_figures {
                self.tap_event(data);
            }
        } else if !data.trim_ascii().is_empty() {
            self.arrange
                .set_failure(Failure::new(ErrorKind::Api, "the upstream sent an event that is not JSON"));
        }
        self.settle(out);
    }

    /// The tap gets each event in one line, so that it sees the same however the stream is cut.
    fn tap_event(&mut self, data: &[u8]) {
        self.tap.push(b"data: ");
        for line in data.split(|byte| matches!(byte, b'\n' | b'\r')) {
            self.tap.push(line);
        }
        self.tap.push(b"\n\n");
    }

    /// Looks whether the answer is over.
    fn settle(&mut self, out: &mut Vec<u8>) {
        if self.over.is_some() {
            return;
        }
        if self.arrange.failure().is_none() && self.arrange.last_seen() {
            if self.arrange.complete() {
                self.arrange.end(self.tap.usage().unwrap_or_default(), out);
                if self.arrange.failure().is_none() {
                    self.write_body(out);
                    self.over = Some(Status::Done);
                    return;
                }
            } else {
                self.arrange.set_failure(cut_off());
            }
        }
        let Some(failure) = self.arrange.failure().cloned() else { return };
        if self.arrange.started() && self.plan.stream {
            self.arrange.fail(&failure, out);
            self.over = Some(Status::Done);
        } else {
            self.over = Some(Status::Failed(failure));
        }
    }

    fn write_body(&self, out: &mut Vec<u8>) {
        let AnyEmit::Body(answer) = &self.arrange.emit else { return };
        let answers = std::slice::from_ref(answer);
        let body = match self.plan.client {
            Dialect::Claude => claude::body(&self.plan, answer),
            Dialect::OpenAi => chat::body(&self.plan, answers),
            Dialect::Responses => responses::body(&self.plan, answer),
            Dialect::Gemini | Dialect::GeminiCli => gemini::body(&self.plan, answers),
        };
        body.write(out);
    }

    fn whole(&mut self, body: &[u8], out: &mut Vec<u8>) {
        let Self { ingest, arrange, tape, .. } = self;
        match tape.read(body) {
            Ok(view) => {
                let mut tap = UsageTap::new(self.plan.upstream, Endpoint::Generate, false);
                tap.push(body);
                self.tap = tap;
                ingest.get().body(view, &mut |event| arrange.take(event, out));
                self.arrange.take(Event::Last, out);
                let begin = out.len();
                self.settle(out);
                if self.plan.answers > 1 && self.over == Some(Status::Done) && !self.plan.stream {
                    out.truncate(begin);
                    self.several(body, out);
                }
                return;
            }
            Err(_) => {
                self.arrange.set_failure(Failure::new(ErrorKind::Api, "the upstream's answer is not JSON"));
            }
        }
        self.settle(out);
    }

    /// The other answers of a body; the first has been read, and it decides whether all is well.
    fn several(&mut self, body: &[u8], out: &mut Vec<u8>) {
        let AnyEmit::Body(first) = &self.arrange.emit else { return };
        let mut answers = vec![first.clone()];
        let Ok(view) = self.tape.read(body) else { return };
        for choice in 1..self.plan.answers {
            let mut ingest = AnyIngest::new(self.plan.upstream, choice);
            let salt = format!("{}#{choice}", self.plan.salt);
            let mut arrange = Arrange::new(Answer::default(), &salt, None);
            ingest.get().body(view, &mut |event| arrange.take(event, out));
            if !arrange.complete() {
                break;
            }
            arrange.end(self.tap.usage().unwrap_or_default(), out);
            if arrange.failure().is_none() {
                answers.push(arrange.emit);
            }
        }
        let body = match self.plan.client {
            Dialect::OpenAi => chat::body(&self.plan, &answers),
            _ => gemini::body(&self.plan, &answers),
        };
        body.write(out);
    }

    fn status(&self) -> Status {
        self.over.clone().unwrap_or(Status::NeedMore)
    }
}

fn cut_off() -> Failure {
    Failure::new(ErrorKind::Api, "the upstream's answer broke off")
}
