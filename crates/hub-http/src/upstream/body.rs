//! The body of an upstream's answer. It owns its connection and gives it back to the pool at the end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Body as _;
use hyper::body::Incoming;

use super::live::Live;
use super::pool::Pool;
use super::{Origin, UpstreamError};

/// See the module's documentation. Dropped before its end, it closes the connection.
pub struct UpstreamBody {
    incoming: Incoming,
    live: Option<Live>,
    origin: Origin,
    pool: Arc<Pool>,
}

impl UpstreamBody {
    pub(super) fn new(incoming: Incoming, live: Live, origin: Origin, pool: Arc<Pool>) -> Self {
        Self { incoming, live: Some(live), origin, pool }
    }

    /// The exact length, if the upstream announced it.
    pub fn announced_length(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }

    /// True once every byte has been handed out.
    pub fn is_end(&self) -> bool {
        self.incoming.is_end_stream()
    }

    /// The next piece; `None` at the end.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        let mut goes_on = true;
        loop {
            match Pin::new(&mut self.incoming).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers carry nothing that clients of these APIs know.
                    let Ok(data) = frame.into_data() else { continue };
                    if self.incoming.is_end_stream() {
                        self.give_back(cx);
                    }
                    return Poll::Ready(Some(Ok(data)));
                }
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Some(Err(UpstreamError::Broken))),
                Poll::Ready(None) => {
                    self.give_back(cx);
                    return Poll::Ready(None);
                }
                Poll::Pending if !goes_on => return Poll::Pending,
                Poll::Pending => {
                    // Asking for a frame told the connection to read; now let it, and look again.
                    if let Some(live) = &mut self.live {
                        live.drive(cx);
                    }
                    goes_on = false;
                }
            }
        }
    }

    /// The next piece; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<Bytes, UpstreamError>> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    fn give_back(&mut self, cx: &mut Context<'_>) {
        if let Some(mut live) = self.live.take() {
            // Driving it once more lets it find its own end of the exchange.
            if live.drive(cx) && live.is_ready() {
                self.pool.put(&self.origin, live);
            }
        }
    }
}
