//! Step 9: the answer on its way to the client, byte for byte, while the tap reads along.
//!
//! The docket is closed before the last byte is released, so an answer that a client has in full is on
//! record, whatever happens to this process next. "Last" is the frame with the dialect's terminal event, the
//! end of an announced length, or the end of the upstream's body, whichever comes first.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

use hub_formats::tap::{TapReport, UsageTap};
use hub_formats::usage_filter::UsageChunkFilter;
use hub_http::{UpstreamBody, UpstreamError};
use hub_types::{ClientAbortPolicy, Dialect, ErrorClass, Outcome};

use crate::bill::Bill;
use crate::docket::Docket;
use crate::redact::redact;
use crate::shared::Shared;
use crate::transcript::Transcript;
use crate::{ProxyError, render};

const DRAIN_TIME: Duration = Duration::from_secs(60);
const DRAIN_BYTES: usize = 1 << 20;

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

/// What a relay is made of.
pub(crate) struct RelayParts {
    pub(crate) shared: Arc<Shared>,
    pub(crate) docket: Docket,
    pub(crate) body: UpstreamBody,
    pub(crate) tap: UsageTap,
    pub(crate) filter: Option<UsageChunkFilter>,
    pub(crate) bill: Bill,
    pub(crate) dialect: Dialect,
    pub(crate) status: u16,
    pub(crate) is_event_stream: bool,
    pub(crate) patience: Patience,
    pub(crate) on_client_abort: ClientAbortPolicy,
    /// What must not be seen in an error inside the stream.
    pub(crate) secrets: Arc<[Vec<u8>]>,
    /// Where what the client gets is to be kept.
    pub(crate) transcript: Option<Transcript>,
}

/// The body of the client's answer.
pub(crate) struct Relay {
    /// Taken when the docket is closed or the client is gone.
    open: Option<Open>,
    body: Option<UpstreamBody>,
    filter: Option<UsageChunkFilter>,
    shared: Arc<Shared>,
    dialect: Dialect,
    is_event_stream: bool,
    at_event_end: bool,
    patience: Patience,
    last_piece: Instant,
    timer: Option<Pin<Box<Sleep>>>,
    cut_off: Pin<Box<WaitForCancellationFutureOwned>>,
    on_client_abort: ClientAbortPolicy,
    secrets: Arc<[Vec<u8>]>,
    transcript: Option<Transcript>,
}

/// What is needed until the docket is closed.
struct Open {
    docket: Docket,
    tap: UsageTap,
    bill: Bill,
    status: u16,
}

impl Open {
    fn read(&mut self, piece: &[u8]) {
        let had_content = self.tap.content_seen();
        self.tap.push(piece);
        if !had_content && self.tap.content_seen() {
            let elapsed = self.docket.elapsed_us();
            self.docket.record().timings.first_content_us = Some(elapsed);
            if let Some(attempt) = self.docket.last_attempt() {
                attempt.timings.first_content_us = Some(elapsed);
            }
        }
    }

    /// Closes the docket. `broken` is who broke the answer off, if it is not whole.
    fn close(mut self, broken: Option<BrokenOff>) {
        let report = self.tap.finish();
        if let Some(attempt) = self.docket.last_attempt() {
            attempt.class = broken.and_then(BrokenOff::class);
            note_reported_error(&report, &mut attempt.error);
            self.bill.charge(&report, attempt);
        }
        if let Some(ticket) = self.docket.ticket() {
            ticket.answered_as(report.response_id);
        }
        self.docket.record().error_code = broken.map(|broken| broken.code().to_owned());
        self.docket.close(broken.map_or(Outcome::Completed, BrokenOff::outcome), self.status);
    }
}

/// Who did not see an answer through.
#[derive(Debug, Clone, Copy)]
enum BrokenOff {
    Upstream(ErrorClass),
    Client,
    /// The drain time is over: nothing to hold against the provider.
    Hub,
}

impl BrokenOff {
    const fn outcome(self) -> Outcome {
        match self {
            Self::Upstream(_) => Outcome::UpstreamTruncated,
            Self::Client => Outcome::ClientAborted,
            Self::Hub => Outcome::Interrupted,
        }
    }

    const fn class(self) -> Option<ErrorClass> {
        match self {
            Self::Upstream(class) => Some(class),
            Self::Client => Some(ErrorClass::ClientAbort),
            Self::Hub => None,
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Upstream(_) | Self::Client => self.outcome().as_str(),
            Self::Hub => ProxyError::ShuttingDown.code(),
        }
    }
}

fn note_reported_error(report: &TapReport, error: &mut Option<String>) {
    if let (Some(reported), None) = (&report.error, &error) {
        let kind = reported.kind.as_deref().or(reported.code.as_deref()).unwrap_or("error");
        // The kind is a word of the vendor's protocol; its free text may hold anything and is not kept.
        *error = Some(format!("the upstream reported {}", kind.chars().take(100).collect::<String>()));
    }
}

impl Relay {
    pub(crate) fn new(parts: RelayParts) -> Self {
        let cut_off = Box::pin(parts.shared.cut_off.clone().cancelled_owned());
        Self {
            open: Some(Open { docket: parts.docket, tap: parts.tap, bill: parts.bill, status: parts.status }),
            body: Some(parts.body),
            filter: parts.filter,
            shared: parts.shared,
            dialect: parts.dialect,
            is_event_stream: parts.is_event_stream,
            at_event_end: true,
            patience: parts.patience,
            last_piece: Instant::now(),
            timer: None,
            cut_off,
            on_client_abort: parts.on_client_abort,
            secrets: parts.secrets,
            transcript: parts.transcript,
        }
    }

    fn take_piece(&mut self, mut piece: Bytes) -> Option<Bytes> {
        self.last_piece = Instant::now();
        let is_end = self.body.as_ref().is_none_or(UpstreamBody::is_end);
        if let Some(open) = &mut self.open {
            open.read(&piece);
            // An announced length would no longer be right; only streams have none.
            if self.is_event_stream && open.tap.error_seen().is_some() {
                piece = redact(piece, &self.secrets);
            }
            // Gemini's figures may follow the finish reason: there the end of the body is the end.
            let may_end_early = !matches!(self.dialect, Dialect::Gemini | Dialect::GeminiCli);
            if is_end || may_end_early && open.tap.terminal_seen() {
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
        let is_whole = !self.is_event_stream || open.tap.terminal_seen() || open.tap.report().completed;
        let is_explained = open.tap.error_seen().is_some();
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
        Poll::Ready(Some(self.farewell(id, error)))
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
                Patience::Endless => return Poll::Pending,
                Patience::Idle(idle) => idle.saturating_sub(self.last_piece.elapsed()),
                Patience::Until(end) => end.saturating_duration_since(Instant::now()),
            };
            if left.is_zero() {
                return Poll::Ready(());
            }
            // The timer is not touched by each piece; when it fires, it looks how much time is left really.
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(left)));
            match timer.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) => self.timer = None,
            }
        }
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            let Some(body) = &mut self.body else { return Poll::Ready(None) };
            match body.poll_next(cx) {
                Poll::Ready(Some(Ok(piece))) => {
                    if let Some(piece) = self.take_piece(piece) {
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
        let announced = self.body.as_ref().and_then(UpstreamBody::announced_length);
        match announced {
            // A stream may have to end with an error of the hub, for which an announced length has no room.
            Some(length) if self.filter.is_none() && !self.is_event_stream => SizeHint::with_exact(length),
            _ => SizeHint::default(),
        }
    }
}

impl Drop for Relay {
    /// The client is gone. What the request used is still worth knowing: it was paid for.
    fn drop(&mut self) {
        self.close_transcript();
        let (Some(mut open), Some(body)) = (self.open.take(), self.body.take()) else { return };
        if !open.tap.content_seen()
            && let Some(ticket) = open.docket.ticket()
        {
            ticket.left_early();
        }
        let has_runtime = tokio::runtime::Handle::try_current().is_ok();
        if self.on_client_abort == ClientAbortPolicy::Drain
            && has_runtime
            && !self.shared.cut_off.is_cancelled()
        {
            let cut_off = self.shared.cut_off.clone();
            self.shared.tasks.spawn(async move {
                let mut open = open;
                let drained = drain(body, &mut open);
                tokio::select! {
                    () = drained => {}
                    () = tokio::time::sleep(DRAIN_TIME) => {}
                    () = cut_off.cancelled() => {}
                }
                open.close(Some(BrokenOff::Client));
            });
        } else {
            open.close(Some(BrokenOff::Client));
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

async fn drain(mut body: UpstreamBody, open: &mut Open) {
    let mut left = DRAIN_BYTES;
    while let Some(Ok(piece)) = body.next().await {
        open.read(&piece);
        left = left.saturating_sub(piece.len());
        if left == 0 || open.tap.terminal_seen() {
            return;
        }
    }
}
