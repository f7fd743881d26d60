//! The body of an upstream's answer. It owns its connection, or its part of one, and gives it back to the pool
//! at the end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Body as _;
use hyper::body::Incoming;

use super::UpstreamError;
use super::h2::Download;
use super::live::Live;
use super::pool::Pool;
use super::route::Way;

/// See the module's documentation. Dropped before its end, it closes the connection (HTTP/1.1) or cancels its
/// stream (HTTP/2).
pub struct UpstreamBody(Kind);

enum Kind {
    /// The connection is this body's alone.
    Own(Own),
    /// One stream of many.
    Shared(Box<Download>),
}

struct Own {
    incoming: Incoming,
    live: Option<Live>,
    way: Way,
    pool: Arc<Pool>,
}

impl UpstreamBody {
    pub(super) fn own(incoming: Incoming, live: Live, way: Way, pool: Arc<Pool>) -> Self {
        Self(Kind::Own(Own { incoming, live: Some(live), way, pool }))
    }

    pub(super) fn shared(download: Download) -> Self {
        Self(Kind::Shared(Box::new(download)))
    }

    /// The exact length of what is to come, if the upstream announced it.
    pub fn announced_length(&self) -> Option<u64> {
        match &self.0 {
            Kind::Own(own) => own.incoming.size_hint().exact(),
            Kind::Shared(download) => download.announced_length(),
        }
    }

    /// True once every byte has been handed out.
    pub fn is_end(&self) -> bool {
        match &self.0 {
            Kind::Own(own) => own.incoming.is_end_stream(),
            Kind::Shared(download) => download.is_end(),
        }
    }

    /// The next piece; `None` at the end.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        match &mut self.0 {
            Kind::Own(own) => own.poll_next(cx),
            Kind::Shared(download) => download.poll_next(cx),
        }
    }

    /// The next piece; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<Bytes, UpstreamError>> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }
}

impl Own {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>> {
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

    fn give_back(&mut self, cx: &mut Context<'_>) {
        if let Some(mut live) = self.live.take() {
            // Driving it once more lets it find its own end of the exchange.
            if live.drive(cx) && live.is_ready() {
                self.pool.put(&self.way, live);
            }
        }
    }
}
