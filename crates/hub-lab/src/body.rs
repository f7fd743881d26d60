//! The response body that plays an answer: bytes, pauses, and an end.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hub_types::Usage;
use tokio::time::Sleep;

use crate::behaviour::Cut;
use crate::socket::ResetSwitch;
use crate::witness::Receipt;

/// One thing to do.
#[derive(Debug)]
pub(crate) enum Step {
    /// Send bytes; with the last of them, the reader knows this usage.
    Send(Bytes, Option<Usage>),
    /// Wait.
    Pause(Duration),
    /// End here, unfinished.
    Cut(Cut),
}

/// The script of one body.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) steps: VecDeque<Step>,
    /// The `content-length` to promise, if any.
    pub(crate) length: Option<u64>,
    /// Send pieces of at most so many bytes; 0: as they come.
    pub(crate) split: usize,
}

/// Ends a connection in the middle of a body.
#[derive(Debug)]
pub(crate) struct CutShort;

impl fmt::Display for CutShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the script ends the connection here")
    }
}

impl std::error::Error for CutShort {}

/// A body that follows a [`Script`].
pub(crate) struct ScriptedBody {
    script: Script,
    sending: Bytes,
    usage: Option<Usage>,
    sleep: Option<Pin<Box<Sleep>>>,
    /// Return to the transport once, so that it flushes what it has.
    flush: bool,
    receipt: Option<Receipt>,
    reset: ResetSwitch,
}

impl ScriptedBody {
    /// A body without a receipt is not witnessed (the lab's own pages).
    pub(crate) fn new(script: Script, receipt: Option<Receipt>, reset: ResetSwitch) -> Self {
        let mut body =
            Self { script, sending: Bytes::new(), usage: None, sleep: None, flush: false, receipt, reset };
        body.settle();
        body
    }

    /// Nothing is left to do: the answer is complete.
    fn spent(&self) -> bool {
        self.sending.is_empty() && self.script.steps.is_empty() && self.sleep.is_none()
    }

    /// Books the answer as complete once nothing is left. Called with the last bytes, as the transport does
    /// not ask again after them.
    fn settle(&mut self) {
        if self.spent()
            && let Some(receipt) = self.receipt.take()
        {
            receipt.complete();
        }
    }

    fn send_piece(&mut self) -> Bytes {
        let split = self.script.split;
        let piece = if split > 0 && self.sending.len() > split {
            self.sending.split_to(split)
        } else {
            std::mem::take(&mut self.sending)
        };
        self.flush = split > 0;
        let usage = if self.sending.is_empty() { self.usage.take() } else { None };
        if let Some(length) = &mut self.script.length {
            *length = length.saturating_sub(piece.len() as u64);
        }
        if let Some(receipt) = &mut self.receipt {
            receipt.sent(&piece, usage);
        }
        self.settle();
        piece
    }
}

impl Body for ScriptedBody {
    type Data = Bytes;
    type Error = CutShort;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutShort>>> {
        let this = &mut *self;
        loop {
            if std::mem::take(&mut this.flush) && !this.spent() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if let Some(sleep) = &mut this.sleep {
                if sleep.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                this.sleep = None;
                this.settle();
            }
            if !this.sending.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(this.send_piece()))));
            }
            match this.script.steps.pop_front() {
                None => return Poll::Ready(None),
                Some(Step::Send(bytes, usage)) => {
                    this.sending = bytes;
                    this.usage = usage;
                    this.settle();
                }
                Some(Step::Pause(pause)) => this.sleep = Some(Box::pin(tokio::time::sleep(pause))),
                Some(Step::Cut(cut)) => {
                    this.script.steps.clear();
                    if let Some(receipt) = this.receipt.take() {
                        receipt.cut();
                    }
                    match cut {
                        Cut::Clean => return Poll::Ready(None),
                        Cut::Close => {}
                        Cut::Reset => this.reset.arm(),
                    }
                    return Poll::Ready(Some(Err(CutShort)));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.spent()
    }

    fn size_hint(&self) -> SizeHint {
        self.script.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
