//! Step 9: the answer on its way to the client, byte for byte, while the tap reads along. Where the upstream's
//! dialect is not the client's, the tap reads the upstream's bytes, and the client gets their translation.
//!
//! The docket is closed before the last byte is released, so an answer that a client has in full is on
//! record, whatever happens to this process next. "Last" is the frame with the dialect's terminal event, the
//! end of an announced length, or the end of the upstream's body, whichever comes first.

mod gate;
mod leave;
mod open;
mod translation;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use smallvec::SmallVec;
use tokio::time::{Sleep, sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

use hub_formats::convert::End;
use hub_formats::usage_filter::UsageChunkFilter;
use hub_http::{UpstreamBody, UpstreamError};
use hub_types::{Dialect, ErrorClass};

use crate::attempt::Underway;
use crate::docket::Docket;
use crate::redact::redact;
use crate::shared::Shared;
use crate::transcript::Transcript;
use crate::{ProxyError, render};
pub(crate) use gate::{Gated, GatedParts, Hollow};
pub(crate) use leave::{Leaving, Left};
use open::{BrokenOff, Open};
pub(crate) use translation::{Translation, WayBack};

/// How long the next piece may take.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Patience {
    /// Between two pieces of a stream.
    Idle(Duration),
    /// Until the end of an answer in one piece.
    Until(Instant),
    /// For ever.
    Endless,
}

/// The body of the client's answer.
pub(crate) struct Relay {
    /// Taken when the docket is closed or the client is gone.
    open: Option<Open>,
    body: Option<UpstreamBody>,
    /// What came before there was content, and has been read by the tap.
    held: SmallVec<[Bytes; 2]>,
    filter: Option<UsageChunkFilter>,
    translation: Option<Translation>,
    shared: Arc<Shared>,
    /// The client's.
    dialect: Dialect,
    is_event_stream: bool,
    at_event_end: bool,
    patience: Patience,
    last_piece: Instant,
    timer: Option<Pin<Box<Sleep>>>,
    cut_off: Pin<Box<WaitForCancellationFutureOwned>>,
    secrets: Arc<[Vec<u8>]>,
    transcript: Option<Transcript>,
}

impl Relay {
    /// The answer is the client's from here on.
    pub(crate) fn new(
        shared: &Arc<Shared>,
        docket: Docket,
        underway: Underway,
        gated: Gated,
        status: u16,
    ) -> Self {
        let Gated { reading, .. } = gated;
        Self {
            open: Some(Open { docket, underway, reading, status }),
            body: Some(gated.body),
            held: gated.held,
            filter: gated.filter,
            translation: gated.translation,
            shared: Arc::clone(shared),
            dialect: gated.dialect,
            is_event_stream: gated.is_event_stream,
            at_event_end: true,
            patience: gated.patience,
            last_piece: gated.last_piece,
            timer: None,
            cut_off: Box::pin(shared.cut_off.clone().cancelled_owned()),
            secrets: gated.secrets,
            transcript: None,
        }
    }

    /// Keeps what the client gets.
    pub(crate) fn write_to(&mut self, transcript: Option<Transcript>) {
        self.transcript = transcript;
    }

    fn read(&mut self, piece: &[u8]) {
        self.last_piece = Instant::now();
        if let Some(open) = &mut self.open {
            open.read(piece);
        }
    }

    /// What the client gets of a piece that was read.
    fn pass(&mut self, piece: Bytes) -> Option<Bytes> {
        match &mut self.translation {
            Some(translation) => {
                translation.feed(&piece);
                self.pass_translated()
            }
            None => self.pass_native(piece),
        }
    }

    /// What waits of the translation. The docket is closed before the last of it leaves.
    fn pass_translated(&mut self) -> Option<Bytes> {
        let translation = self.translation.as_mut()?;
        let mut piece = translation.take()?;
        let (is_done, went_wrong) = (translation.is_done(), translation.went_wrong());
        if went_wrong {
            piece = redact(piece, &self.secrets);
        }
        if is_done && let Some(mut open) = self.open.take() {
            open.lost(translation.losses());
            open.close(went_wrong.then_some(BrokenOff::Upstream(ErrorClass::Truncated)));
        }
        Some(piece)
    }

    fn pass_native(&mut self, mut piece: Bytes) -> Option<Bytes> {
        let is_end = self.body.as_ref().is_none_or(UpstreamBody::is_end);
        if let Some(open) = &mut self.open {
            // An announced length would no longer be right; only streams have none.
            if self.is_event_stream && open.reading.tap.error_seen().is_some() {
                piece = redact(piece, &self.secrets);
            }
            // Gemini's figures may follow the finish reason: there the end of the body is the end.
            let may_end_early = !matches!(self.dialect, Dialect::Gemini | Dialect::GeminiCli);
            if self.held.is_empty() && (is_end || may_end_early && open.reading.tap.terminal_seen()) {
                self.close_at_end();
            }
        }
        let piece = match &mut self.filter {
            Some(filter) => {
                let mut passed = Vec::new();
                filter.push(&piece, &mut passed);
                joined(passed)
            }
            None => piece,
        };
        self.at_event_end = piece.ends_with(b"\n\n") || piece.ends_with(b"\r\n\r\n");
        (!piece.is_empty()).then_some(piece)
    }

    /// Closes the docket at the upstream's own end. True if the client knows all there is to know: the answer
    /// was whole, or the upstream itself said why it is not.
    fn close_at_end(&mut self) -> bool {
        let Some(open) = self.open.take() else { return true };
        let is_whole =
            !self.is_event_stream || open.reading.tap.terminal_seen() || open.reading.tap.report().completed;
        let is_explained = open.reading.tap.error_seen().is_some();
        open.close((!is_whole).then_some(BrokenOff::Upstream(ErrorClass::Truncated)));
        is_whole || is_explained
    }

    /// The answer can't go on: says so in the stream where the dialect has words for it, else cuts the
    /// connection, so that nobody takes the part for the whole.
    fn fail(
        &mut self,
        broken: BrokenOff,
        error: &ProxyError,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.body = None;
        let Some(open) = self.open.take() else { return Poll::Ready(None) };
        let id = open.docket.id();
        open.close(Some(broken));
        if let Some(translation) = &mut self.translation {
            translation.end(End::Cut);
            if let Some(piece) = self.pass_translated() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
        }
        Poll::Ready(Some(self.farewell(id, error)))
    }

    /// The translation is complete, or the upstream has no more to say.
    fn end_translation(&mut self) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.body = None;
        if let Some(translation) = &mut self.translation {
            translation.end(End::Eof);
        }
        match self.pass_translated() {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            None => self.fail(BrokenOff::Upstream(ErrorClass::Truncated), &ProxyError::Truncated),
        }
    }

    fn farewell(&self, id: hub_types::RequestId, error: &ProxyError) -> Result<Frame<Bytes>, io::Error> {
        if !self.is_event_stream {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, error.to_string()));
        }
        let mut frame = render::stream_error(self.dialect, id, error);
        if !self.at_event_end {
            frame = [b"\n\n".as_slice(), &frame].concat().into();
        }
        Ok(Frame::data(frame))
    }

    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let left = match self.patience {
                Patience::Endless => None,
                Patience::Idle(idle) => Some(idle.saturating_sub(self.last_piece.elapsed())),
                Patience::Until(end) => Some(end.saturating_duration_since(Instant::now())),
            };
            if left.is_some_and(|left| left.is_zero()) {
                return Poll::Ready(());
            }
            let refresh = self.open.as_mut().and_then(|open| open.docket.refresh_booking());
            let Some(wait) = left.into_iter().chain(refresh).min() else { return Poll::Pending };
            // The timer is not touched by each piece; when it fires, it looks how much time is left really.
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(wait)));
            match timer.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) => self.timer = None,
            }
        }
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        while !self.held.is_empty() {
            let piece = self.held.remove(0);
            if let Some(piece) = self.pass(piece) {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
        }
        if let Some(piece) = self.pass_translated() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        loop {
            let Some(body) = &mut self.body else { return Poll::Ready(None) };
            let next = body.poll_next(cx);
            if let Some(translation) = &self.translation {
                // What follows can only be the end, which the client need not wait for.
                let is_over = translation.is_done() && !matches!(next, Poll::Ready(Some(Ok(_))));
                if is_over || translation.is_hopeless() || matches!(next, Poll::Ready(None)) {
                    return self.end_translation();
                }
            }
            match next {
                Poll::Ready(Some(Ok(piece))) => {
                    self.read(&piece);
                    if let Some(piece) = self.pass(piece) {
                        return Poll::Ready(Some(Ok(Frame::data(piece))));
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    let class = if matches!(error, UpstreamError::Malformed) {
                        ErrorClass::FakeSuccess
                    } else {
                        ErrorClass::Truncated
                    };
                    return self.fail(BrokenOff::Upstream(class), &ProxyError::Truncated);
                }
                Poll::Ready(None) => {
                    self.body = None;
                    let id = self.open.as_ref().map(|open| open.docket.id());
                    let is_whole = self.close_at_end();
                    let rest = self.filter.take().map(rest_of).unwrap_or_default();
                    return match id {
                        Some(id) if !is_whole => Poll::Ready(Some(self.farewell(id, &ProxyError::Truncated))),
                        _ if rest.is_empty() => Poll::Ready(None),
                        _ => Poll::Ready(Some(Ok(Frame::data(rest)))),
                    };
                }
                Poll::Pending => {
                    if self.poll_patience(cx).is_ready() {
                        let class = ErrorClass::Timeout;
                        return self.fail(BrokenOff::Upstream(class), &ProxyError::UpstreamFailed(class));
                    }
                    if self.cut_off.as_mut().poll(cx).is_ready() {
                        return self.fail(BrokenOff::Hub, &ProxyError::ShuttingDown);
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    /// Adds to the transcript what the client gets. The docket may be closed before that has an end: what
    /// follows the terminal event is a part of the answer, too.
    fn write_down(&mut self, polled: &Poll<Option<Result<Frame<Bytes>, io::Error>>>) {
        if let (Some(transcript), Poll::Ready(Some(Ok(frame)))) = (&mut self.transcript, polled)
            && let Some(piece) = frame.data_ref()
        {
            transcript.add(piece);
        }
        if self.body.is_none() {
            self.close_transcript();
        }
    }

    fn close_transcript(&mut self) {
        if let Some(transcript) = self.transcript.take() {
            transcript.close(&self.shared);
        }
    }
}

impl HttpBody for Relay {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        let polled = this.poll_answer(cx);
        if this.transcript.is_some() {
            this.write_down(&polled);
        }
        polled
    }

    fn size_hint(&self) -> SizeHint {
        if let Some(translation) = &self.translation {
            let is_all = translation.is_done() && !translation.is_stream();
            let waiting = translation.waiting() as u64;
            return if is_all { SizeHint::with_exact(waiting) } else { SizeHint::default() };
        }
        let announced = self.body.as_ref().and_then(UpstreamBody::announced_length);
        let held: usize = self.held.iter().map(Bytes::len).sum();
        match announced {
            // A stream may have to end with an error of the hub, for which an announced length has no room.
            Some(length) if self.filter.is_none() && !self.is_event_stream => {
                SizeHint::with_exact(length + held as u64)
            }
            _ => SizeHint::default(),
        }
    }
}

fn rest_of(mut filter: UsageChunkFilter) -> Bytes {
    let mut rest = Vec::new();
    filter.finish(&mut rest);
    joined(rest)
}

fn joined(mut pieces: Vec<Bytes>) -> Bytes {
    if pieces.len() > 1 { pieces.concat().into() } else { pieces.pop().unwrap_or_default() }
}
