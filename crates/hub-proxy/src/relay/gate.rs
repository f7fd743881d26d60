//! The gate: nothing of an answer leaves before there is content in it. Until then an answer that turns out to
//! be none can be had from another provider, and the client does not notice. An answer in one piece is known to
//! have content when it is whole.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use hub_formats::convert::End;
use hub_formats::tap::UsageTap;
use hub_formats::usage_filter::UsageChunkFilter;
use hub_http::{UpstreamBody, UpstreamError};
use hub_types::{Dialect, ErrorClass};
use memchr::memmem;
use smallvec::SmallVec;

use super::leave::Left;
use super::open::Reading;
use super::translation::Translation;
use super::{Patience, joined};
use crate::attempt::Underway;
use crate::bill::Bill;
use crate::failure::Failure;
use crate::receive::Received;

const BROKE_OFF: &str = "the answer broke off before anything of it was passed on";

/// What is held at most; then it leaves, content or not.
const MAX_BYTES: usize = 1 << 20;
/// The same in events of a stream.
const MAX_EVENTS: usize = 64;

/// What follows the end of an answer has this long.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What an answer at the gate is made of.
pub(crate) struct GatedParts {
    pub(crate) body: UpstreamBody,
    pub(crate) tap: UsageTap,
    pub(crate) filter: Option<UsageChunkFilter>,
    /// Says it in the client's words, if the upstream's are others.
    pub(crate) translation: Option<Translation>,
    pub(crate) bill: Bill,
    /// The client's.
    pub(crate) dialect: Dialect,
    /// Does the client get one?
    pub(crate) is_event_stream: bool,
    pub(crate) patience: Patience,
    /// What must not be seen in an error inside the stream.
    pub(crate) secrets: Arc<[Vec<u8>]>,
}

/// An answer at the gate: it is not the client's yet.
pub(crate) struct Gated {
    pub(super) body: UpstreamBody,
    pub(super) reading: Reading,
    /// What came before there was content, and has been read by the tap.
    pub(super) held: SmallVec<[Bytes; 2]>,
    pub(super) filter: Option<UsageChunkFilter>,
    pub(super) translation: Option<Translation>,
    /// The first piece of an answer that is not held as it came: what it said, if it turns out to be none.
    first: Option<Bytes>,
    pub(super) dialect: Dialect,
    pub(super) is_event_stream: bool,
    pub(super) patience: Patience,
    pub(super) last_piece: Instant,
    pub(super) secrets: Arc<[Vec<u8>]>,
}

/// Why an answer that began well is none.
pub(crate) enum Hollow {
    /// It broke off, or took too long.
    Broken(ErrorClass, &'static str),
    /// It is not what an API answers.
    Page,
    /// It holds an error.
    Error,
    /// It has an end, and nothing in it.
    Empty,
    /// It can't be said in the client's words.
    Unsayable,
}

impl Gated {
    pub(crate) fn new(parts: GatedParts) -> Self {
        Self {
            body: parts.body,
            reading: Reading { tap: parts.tap, bill: parts.bill },
            held: SmallVec::new(),
            filter: parts.filter,
            translation: parts.translation,
            first: None,
            dialect: parts.dialect,
            is_event_stream: parts.is_event_stream,
            patience: parts.patience,
            last_piece: Instant::now(),
            secrets: parts.secrets,
        }
    }

    pub(crate) const fn is_event_stream(&self) -> bool {
        self.is_event_stream
    }

    /// Waits for content. `deadline` is when there has to be some.
    pub(crate) async fn hold(
        &mut self,
        underway: &mut Underway,
        mut deadline: Instant,
    ) -> Result<(), Hollow> {
        let (mut bytes, mut events) = (0, 0);
        let mut is_over = false;
        loop {
            let piece = match tokio::time::timeout_at(deadline.into(), self.body.next()).await {
                Ok(Some(Ok(piece))) => piece,
                Ok(Some(Err(error))) => {
                    let malformed = matches!(error, UpstreamError::Malformed);
                    let is_reset = bytes == 0 && !malformed;
                    let class = if is_reset { ErrorClass::Network } else { ErrorClass::FakeSuccess };
                    return Err(Hollow::Broken(class, BROKE_OFF));
                }
                Ok(None) => return self.at_end(),
                Err(_) if is_over => return self.at_end(),
                Err(_) => return Err(Hollow::Broken(ErrorClass::Timeout, "no content in time")),
            };
            if bytes == 0 && piece.trim_ascii_start().starts_with(b"<") {
                self.first = Some(piece);
                return Err(Hollow::Page);
            }
            self.last_piece = Instant::now();
            self.reading.read(underway, &piece);
            bytes += piece.len();
            if self.is_event_stream {
                events +=
                    memmem::find_iter(&piece, b"\n\n").count() + memmem::find_iter(&piece, b"\n\r\n").count();
            }
            match &mut self.translation {
                Some(translation) => {
                    translation.feed(&piece);
                    self.first.get_or_insert(piece);
                }
                None => self.held.push(piece),
            }
            let is_enough = bytes >= MAX_BYTES || events >= MAX_EVENTS;
            if self.may_leave(is_enough) {
                self.first = None;
                return Ok(());
            }
            let tap = &self.reading.tap;
            if tap.error_seen().is_some() {
                return Err(Hollow::Error);
            }
            if self.translation.as_ref().is_some_and(Translation::is_hopeless) {
                return Err(Hollow::Unsayable);
            }
            if self.body.is_end() || self.translation.as_ref().is_some_and(Translation::is_done) {
                return self.at_end();
            }
            if self.reading.tap.terminal_seen() && !is_over {
                // What may still come is the end, or figures.
                is_over = true;
                deadline = deadline.min(Instant::now() + LAST_WORDS);
            }
        }
    }

    /// Is there something for the client? `is_enough`: more is not held, content or not.
    fn may_leave(&self, is_enough: bool) -> bool {
        let has_content = self.reading.tap.content_seen();
        match &self.translation {
            None => has_content || is_enough,
            // A translated answer in one piece is the client's when it is whole.
            Some(translation) if !translation.is_stream() => has_content && translation.is_done(),
            Some(translation) if translation.is_hopeless() => false,
            Some(translation) => has_content && translation.waiting() > 0 || is_enough,
        }
    }

    /// The upstream has no more to say, and there was nothing for the client so far.
    fn at_end(&mut self) -> Result<(), Hollow> {
        let Some(translation) = &mut self.translation else { return Err(Hollow::Empty) };
        translation.end(End::Eof);
        let report = self.reading.tap.report();
        match (report.content_seen || translation.is_count(), translation.is_hopeless()) {
            (false, _) => Err(Hollow::Empty),
            (true, false) => Ok(()),
            (true, true) if report.completed || translation.is_count() => Err(Hollow::Unsayable),
            (true, true) => Err(Hollow::Broken(ErrorClass::FakeSuccess, BROKE_OFF)),
        }
    }

    /// Gives an answer up that is none: what to say if there is no other.
    pub(crate) fn give_up(
        self,
        underway: &mut Underway,
        hollow: &Hollow,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Failure {
        let Self { reading: Reading { tap, bill }, first, held, filter, translation, secrets, .. } = self;
        let came = first.or_else(|| held.first().cloned()).unwrap_or_default();
        let report = tap.finish();
        match hollow {
            Hollow::Broken(class, why) => Failure::no_answer(*class, (*why).to_owned()),
            Hollow::Page => Failure::page().having_said(&came, &secrets),
            Hollow::Error => Failure::inside(report.error.unwrap_or_default(), &secrets),
            // It was asked for, it has an end, and it may have been paid for.
            Hollow::Empty if report.completed => {
                bill.charge(&report, &mut underway.record);
                let body = match translation {
                    Some(mut translation) => translation.take().unwrap_or_default(),
                    None => whole(&held, filter),
                };
                Failure::empty(status, headers.clone(), body).having_said(&came, &secrets)
            }
            Hollow::Unsayable if translation.is_some_and(|translation| translation.is_count()) => {
                Failure::no_answer(ErrorClass::NotServed, "an answer without a count".to_owned())
            }
            Hollow::Unsayable => {
                if report.completed {
                    bill.charge(&report, &mut underway.record);
                }
                let why = "an answer that has no words in the client's dialect";
                Failure::no_answer(ErrorClass::FakeSuccess, why.to_owned()).having_said(&came, &secrets)
            }
            Hollow::Empty => Failure::no_answer(ErrorClass::FakeSuccess, "an empty answer".to_owned())
                .having_said(&came, &secrets),
        }
    }

    /// See [`crate::bill::Bill::reckon`].
    pub(crate) fn reckon(&mut self, received: &Received, known: u64) {
        if self.reading.tap.report().usage.is_none() {
            self.reading.bill.reckon(received, known);
        }
    }

    /// Nobody wants it any more: what it used so far is written on the attempt.
    pub(crate) fn hang_up(self, underway: &mut Underway) {
        drop(self.body);
        self.reading.charge(underway);
    }

    /// The client has left.
    pub(crate) fn left_by_client(self, underway: Underway) -> Left {
        Left { underway, answer: Some((self.body, self.reading)) }
    }
}

/// All that came, as the client would have got it.
fn whole(held: &[Bytes], filter: Option<UsageChunkFilter>) -> Bytes {
    let held = Bytes::from(held.concat());
    match filter {
        None => held,
        Some(mut filter) => {
            let mut passed = Vec::new();
            filter.push(&held, &mut passed);
            filter.finish(&mut passed);
            joined(passed)
        }
    }
}
