//! The gate: nothing of an answer leaves before there is content in it. Until then an answer that turns out to
//! be none can be had from another provider, and the client does not notice. An answer in one piece is known to
//! have content when it is whole.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use hub_http::UpstreamError;
use hub_types::ErrorClass;
use memchr::memmem;

use super::{Relay, joined};
use crate::attempt::{TooLate, in_time};
use crate::docket::Docket;
use crate::failure::Failure;

/// What is held at most; then it leaves, content or not.
const MAX_BYTES: usize = 1 << 20;
/// The same in events of a stream.
const MAX_EVENTS: usize = 64;

/// What follows the end of an answer has this long.
const LAST_WORDS: Duration = Duration::from_secs(1);

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
    /// The hub ends, and can't wait for it.
    CutOff,
}

impl Relay {
    /// Waits for content. `deadline` is when there has to be some.
    pub(crate) async fn hold(&mut self, mut deadline: Instant) -> Result<(), Hollow> {
        let (mut bytes, mut events) = (0, 0);
        let mut is_over = false;
        loop {
            let Some(body) = &mut self.body else { return Ok(()) };
            let open = &mut self.open;
            let refresh = || open.as_mut().and_then(|open| open.docket.refresh_booking());
            let next = tokio::select! {
                biased;
                next = in_time(refresh, deadline, body.next()) => next,
                () = self.shared.cut_off.cancelled() => return Err(Hollow::CutOff),
            };
            let piece = match next {
                Ok(Some(Ok(piece))) => piece,
                Ok(Some(Err(error))) => {
                    let malformed = matches!(error, UpstreamError::Malformed);
                    let is_reset = bytes == 0 && !malformed;
                    let class = if is_reset { ErrorClass::Network } else { ErrorClass::FakeSuccess };
                    return Err(Hollow::Broken(
                        class,
                        "the answer broke off before anything of it was passed on",
                    ));
                }
                Ok(None) => return Err(Hollow::Empty),
                Err(TooLate) if is_over => return Err(Hollow::Empty),
                Err(TooLate) => return Err(Hollow::Broken(ErrorClass::Timeout, "no content in time")),
            };
            if bytes == 0 && piece.trim_ascii_start().starts_with(b"<") {
                return Err(Hollow::Page);
            }
            self.read(&piece);
            bytes += piece.len();
            if self.is_event_stream {
                events +=
                    memmem::find_iter(&piece, b"\n\n").count() + memmem::find_iter(&piece, b"\n\r\n").count();
            }
            self.held.push(piece);
            let (Some(open), Some(body)) = (&self.open, &self.body) else { return Ok(()) };
            if open.tap.content_seen() || bytes >= MAX_BYTES || events >= MAX_EVENTS {
                return Ok(());
            }
            if open.tap.error_seen().is_some() {
                return Err(Hollow::Error);
            }
            if body.is_end() {
                return Err(Hollow::Empty);
            }
            if open.tap.terminal_seen() && !is_over {
                // What may still come is the end, or figures.
                is_over = true;
                deadline = deadline.min(Instant::now() + LAST_WORDS);
            }
        }
    }

    /// Gives an answer up that is none: its docket for another attempt, and what to say if there is none.
    /// `None`: the docket is closed already.
    pub(crate) fn give_up(
        &mut self,
        hollow: &Hollow,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Option<(Docket, Failure)> {
        self.body = None;
        let mut open = self.open.take()?;
        let report = open.tap.finish();
        let failure = match hollow {
            Hollow::Broken(class, why) => Failure::no_answer(*class, (*why).to_owned()),
            Hollow::Page => {
                Failure::no_answer(ErrorClass::FakeSuccess, "a web page for an answer".to_owned())
            }
            Hollow::Error => Failure::inside(report.error.unwrap_or_default(), &self.secrets),
            // It was asked for, it has an end, and it may have been paid for.
            Hollow::Empty if report.completed => {
                if let Some(attempt) = open.docket.last_attempt() {
                    open.bill.charge(&report, attempt);
                }
                Failure::empty(status, headers.clone(), self.whole())
            }
            Hollow::CutOff => Failure::out_of_time(),
            Hollow::Empty => Failure::no_answer(ErrorClass::FakeSuccess, "an empty answer".to_owned()),
        };
        Some((open.docket, failure))
    }

    /// All that came, as the client would have got it.
    fn whole(&mut self) -> Bytes {
        let held = Bytes::from(self.held.concat());
        match self.filter.take() {
            None => held,
            Some(mut filter) => {
                let mut passed = Vec::new();
                filter.push(&held, &mut passed);
                filter.finish(&mut passed);
                joined(passed)
            }
        }
    }
}
