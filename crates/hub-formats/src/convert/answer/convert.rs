//! The converter of one answer, whatever its form: streams and bodies, to streams and bodies.

use hub_types::{Dialect, Endpoint, Usage};
use memchr::memmem;

use super::arrange::Arrange;
use super::failure::is_too_long;
use super::{Answer, Emit, ErrorClass, Event, Failure, Finish, Head, Ingest, Unit};
use crate::convert::chat::{self, ChatEmit, ChatIngest};
use crate::convert::claude::{self, ClaudeEmit, ClaudeIngest};
use crate::convert::gemini::{self, GeminiEmit, GeminiIngest};
use crate::convert::ids::Rule;
use crate::convert::json::Json;
use crate::convert::loss::LossReport;
use crate::convert::opaque::Opaque;
use crate::convert::plan::AnswerPlan;
use crate::convert::refusal::Refusal;
use crate::convert::responses::{self, ResponsesEmit, ResponsesIngest};
use crate::convert::tape::Tape;
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

/// Turns an answer of one dialect into one of another while it passes.
pub trait StreamConverter {
    /// Takes the upstream's next bytes and appends the client's.
    fn feed(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Status;
    /// The upstream's bytes have ended.
    fn finish(&mut self, end: End, out: &mut Vec<u8>) -> Status;
}

/// The most bytes of an answer in one piece.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// See [`StreamConverter`]. What comes is recognised by itself: an event stream, or a body in one piece. What is
/// written is a stream or a body as the client asked. The output does not depend on how the input is cut.
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
    Body(Vec<u8>),
}

impl Converter {
    /// A converter at the start of an answer.
    pub fn new(plan: AnswerPlan) -> Self {
        let ingest = match plan.upstream {
            Dialect::Claude => AnyIngest::Claude(ClaudeIngest),
            Dialect::OpenAi => AnyIngest::Chat(ChatIngest::default()),
            Dialect::Responses => AnyIngest::Responses(ResponsesIngest::default()),
            Dialect::Gemini | Dialect::GeminiCli => AnyIngest::Gemini(GeminiIngest::default()),
        };
        let emit = match plan.client {
            _ if !plan.stream => AnyEmit::Body(Answer::default()),
            Dialect::Claude => AnyEmit::Claude(ClaudeEmit::new(plan.clone())),
            Dialect::OpenAi => AnyEmit::Chat(ChatEmit::new(plan.clone())),
            Dialect::Responses => AnyEmit::Responses(Box::new(ResponsesEmit::new(plan.clone()))),
            Dialect::Gemini | Dialect::GeminiCli => AnyEmit::Gemini(GeminiEmit::new(plan.clone())),
        };
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

    /// Begins the client's stream before there is content, so that it can be kept alive. From then on a failure is
    /// told to the client, and no other provider can be tried. A body can't be begun.
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        if self.over.is_none() && self.plan.stream {
            self.arrange.start(out);
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
                .set_failure(Failure::new(ErrorClass::Api, "the upstream sent an event that is not JSON"));
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
        let body = match self.plan.client {
            Dialect::Claude => claude::body(&self.plan, answer),
            Dialect::OpenAi => chat::body(&self.plan, answer),
            Dialect::Responses => responses::body(&self.plan, answer),
            Dialect::Gemini | Dialect::GeminiCli => gemini::body(&self.plan, answer),
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
            }
            Err(_) => {
                self.arrange.set_failure(Failure::new(ErrorClass::Api, "the upstream's answer is not JSON"));
            }
        }
        self.settle(out);
    }

    fn status(&self) -> Status {
        self.over.clone().unwrap_or(Status::NeedMore)
    }
}

fn cut_off() -> Failure {
    Failure::new(ErrorClass::Api, "the upstream's answer broke off")
}

impl StreamConverter for Converter {
    fn feed(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Status {
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
                Some(b'{' | b'[') => Form::Body(Vec::new()),
                _ => Form::Stream(SseDecoder::new()),
            };
        }
        match std::mem::replace(&mut self.form, Form::Unknown) {
            Form::Stream(mut decoder) => {
                if let Err(error) = decoder.push(rest, |event| self.event(event.data, out)) {
                    self.arrange.set_failure(Failure::new(ErrorClass::Api, &error.to_string()));
                    self.settle(out);
                }
                self.form = Form::Stream(decoder);
            }
            Form::Body(mut body) => {
                if body.len() + rest.len() > MAX_BODY {
                    self.arrange
                        .set_failure(Failure::new(ErrorClass::Api, "the upstream's answer is too large"));
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

    fn finish(&mut self, end: End, out: &mut Vec<u8>) -> Status {
        if self.over.is_some() {
            return self.status();
        }
        match std::mem::replace(&mut self.form, Form::Unknown) {
            Form::Stream(mut decoder) => {
                // Half an event at a cut is not an event.
                if end == End::Eof
                    && let Err(error) = decoder.finish(|event| self.event(event.data, out))
                {
                    self.arrange.set_failure(Failure::new(ErrorClass::Api, &error.to_string()));
                }
                if self.over.is_none() && self.arrange.failure().is_none() {
                    self.arrange.take(Event::Last, out);
                }
                self.settle(out);
            }
            Form::Body(body) => self.whole(&body, out),
            Form::Unknown => {
                self.arrange.set_failure(Failure::new(ErrorClass::Api, "the upstream's answer is empty"));
                self.settle(out);
            }
        }
        self.status()
    }
}

/// Turns a whole answer, body or stream, into what the client asked for.
pub fn convert_body(plan: &AnswerPlan, body: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut converter = Converter::new(plan.clone());
    let mut out = Vec::new();
    converter.feed(body, &mut out);
    match converter.finish(End::Eof, &mut out) {
        Status::Failed(failure) => Err(failure),
        Status::NeedMore | Status::Done => Ok(out),
    }
}

/// What an upstream says with a status that is not a success.
pub fn read_failure(status: u16, body: &[u8]) -> Failure {
    let class = ErrorClass::of_status(status.into()).unwrap_or(ErrorClass::Api);
    let mut tape = Tape::default();
    let Ok(view) = tape.read(body) else {
        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        // A web page is nothing that a client could show.
        let message = if text.is_empty() || text.starts_with('<') { "the upstream failed" } else { text };
        return Failure::new(class, message);
    };
    let view = view.items().next().unwrap_or(view);
    let told = Failure::read(view.get("error").unwrap_or(view));
    // Words say more than the status where they name one of these.
    let class = match told.class {
        ErrorClass::ContextLength | ErrorClass::Billing => told.class,
        _ if class == ErrorClass::Invalid && is_too_long(&told.message) => ErrorClass::ContextLength,
        _ => class,
    };
    Failure { class, ..told }
}

/// The body of a refusal, as clients of `dialect` read it; its status is 400.
pub fn render_refusal(refusal: &Refusal, dialect: Dialect) -> Vec<u8> {
    let failure = Failure::new(ErrorClass::Invalid, &refusal.to_string());
    let mut body = failure.body(dialect);
    if let (Json::Obj(object), Some(param), Dialect::OpenAi | Dialect::Responses) =
        (&mut body, refusal.param(), dialect)
        && let Some((_, Json::Obj(error))) = object.members.first_mut()
    {
        for (key, value) in &mut error.members {
            if key == "param" {
                *value = Json::Str(param.to_owned().into());
            }
        }
    }
    let mut out = Vec::new();
    body.write(&mut out);
    out
}

/// The body of an error answer, as clients of `dialect` read it.
pub fn render_failure(failure: &Failure, dialect: Dialect) -> Vec<u8> {
    let mut out = Vec::new();
    failure.body(dialect).write(&mut out);
    out
}

#[derive(Debug)]
enum AnyIngest {
    Claude(ClaudeIngest),
    Chat(ChatIngest),
    Responses(ResponsesIngest),
    Gemini(GeminiIngest),
}

impl AnyIngest {
    fn get(&mut self) -> &mut dyn Ingest {
        match self {
            Self::Claude(ingest) => ingest,
            Self::Chat(ingest) => ingest,
            Self::Responses(ingest) => ingest,
            Self::Gemini(ingest) => ingest,
        }
    }
}

#[derive(Debug)]
enum AnyEmit {
    Claude(ClaudeEmit),
    Chat(ChatEmit),
    Responses(Box<ResponsesEmit>),
    Gemini(GeminiEmit),
    Body(Answer),
}

impl AnyEmit {
    fn get(&mut self) -> &mut dyn Emit {
        match self {
            Self::Claude(emit) => emit,
            Self::Chat(emit) => emit,
            Self::Responses(emit) => emit.as_mut(),
            Self::Gemini(emit) => emit,
            Self::Body(emit) => emit,
        }
    }
}

impl Emit for AnyEmit {
    fn start(&mut self, head: &Head, out: &mut Vec<u8>) {
        self.get().start(head, out);
    }
    fn open(&mut self, unit: &Unit, out: &mut Vec<u8>) {
        self.get().open(unit, out);
    }
    fn delta(&mut self, text: &str, out: &mut Vec<u8>) {
        self.get().delta(text, out);
    }
    fn seal(&mut self, opaque: &Opaque<'_>, out: &mut Vec<u8>) {
        self.get().seal(opaque, out);
    }
    fn close(&mut self, out: &mut Vec<u8>) {
        self.get().close(out);
    }
    fn end(&mut self, finish: &Finish, out: &mut Vec<u8>) {
        self.get().end(finish, out);
    }
    fn fail(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        self.get().fail(failure, out);
    }
}
