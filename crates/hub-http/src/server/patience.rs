//! A client socket that loses patience: with a head that takes too long, and with idleness between requests.
//!
//! The usual way, a timer per request, costs every request for the sake of a few bad ones. Here a connection
//! has one timer that ticks every few seconds and then looks how long the present phase has lasted.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::ServerSettings;
use super::unreadable;

/// Whether a request is being answered on this connection.
#[derive(Debug, Default)]
pub(super) struct Phase {
    busy: AtomicBool,
}

/// Held while a request is being answered, body included.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Phase>);

impl Phase {
    pub(super) fn enter_request(self: &Arc<Self>) -> Busy {
        self.busy.store(true, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::Relaxed);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// For a request's first byte.
    ForRequest,
    /// For the rest of a head.
    ForHead,
    /// For nothing: a request is being answered.
    No,
}

/// See the module's documentation.
pub(super) struct PatientSocket {
    socket: TcpStream,
    phase: Arc<Phase>,
    settings: ServerSettings,
    waiting: Waiting,
    since: Instant,
    tick: Duration,
    timer: Pin<Box<Sleep>>,
}

impl PatientSocket {
    pub(super) fn new(socket: TcpStream, phase: Arc<Phase>, settings: ServerSettings) -> Self {
        let tick = settings.header_timeout.min(settings.idle_timeout) / 4;
        let since = Instant::now();
        let timer = Box::pin(sleep_until(since + tick));
        Self { socket, phase, settings, waiting: Waiting::ForRequest, since, tick, timer }
    }

    /// Notes what the client is waited for now, after a read that got `count` bytes or none yet.
    fn observe(&mut self, got_bytes: bool) {
        let now_waiting = match (self.phase.is_busy(), got_bytes, self.waiting) {
            (true, _, _) => Waiting::No,
            (false, true, _) | (false, false, Waiting::ForHead) => Waiting::ForHead,
            (false, false, _) => Waiting::ForRequest,
        };
        if now_waiting != self.waiting {
            self.waiting = now_waiting;
            self.since = Instant::now();
        }
    }

    /// Ready once patience is lost.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let lost = match self.waiting {
                Waiting::No => false,
                Waiting::ForRequest => self.since.elapsed() >= self.settings.idle_timeout,
                Waiting::ForHead => self.since.elapsed() >= self.settings.header_timeout,
            };
            if lost {
                return Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "the client took too long"));
            }
            self.timer.as_mut().reset(Instant::now() + self.tick);
        }
    }
}

impl AsyncRead for PatientSocket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.socket).poll_read(cx, buffer) {
            Poll::Ready(result) => {
                this.observe(buffer.filled().len() > before);
                Poll::Ready(result)
            }
            Poll::Pending => {
                this.observe(false);
                this.poll_patience(cx).map(Err)
            }
        }
    }
}

impl AsyncWrite for PatientSocket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match unreadable::explain(this.waiting == Waiting::ForHead && !this.phase.is_busy(), bytes) {
            None => Pin::new(&mut this.socket).poll_write(cx, bytes),
            Some(explained) => unreadable::write_once(&mut this.socket, cx, &explained, bytes.len()),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match slices {
            // An unreadable head is always answered by one slice.
            [only] => self.poll_write(cx, only),
            _ => Pin::new(&mut self.get_mut().socket).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}
