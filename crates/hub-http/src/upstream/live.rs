//! One live connection, driven by whoever uses it.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Connection, SendRequest};
use hyper_util::rt::TokioIo;

use super::UpstreamError;
use super::stream::Stream;

/// A connection and the handle that gives it work.
pub(super) struct Live {
    sender: SendRequest<Full<Bytes>>,
    connection: Pin<Box<Connection<TokioIo<Stream>, Full<Bytes>>>>,
    ended: bool,
}

impl Live {
    pub(super) async fn handshake(stream: Stream) -> Result<Self, hyper::Error> {
        let (sender, connection) = hyper::client::conn::http1::Builder::new()
            .max_header_size(64 << 10)
            .handshake(TokioIo::new(stream))
            .await?;
        Ok(Self { sender, connection: Box::pin(connection), ended: false })
    }

    /// Lets the connection do what it can now; true if it goes on.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.ended {
            self.ended = self.connection.as_mut().poll(cx).is_ready();
        }
        !self.ended
    }

    /// Can it take another request? To be asked after driving it.
    pub(super) fn is_ready(&self) -> bool {
        !self.ended && self.sender.is_ready()
    }

    /// Sends a request and waits for the head of the answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Bytes>,
    ) -> Result<Response<Incoming>, UpstreamError> {
        let response = self.sender.send_request(request.map(Full::new));
        let mut response = pin!(response);
        poll_fn(|cx| {
            // The request's future hands the request over, the connection writes and reads, and the answer
            // is then there for the request's future to take.
            for _ in 0..2 {
                if let Poll::Ready(answer) = response.as_mut().poll(cx) {
                    return Poll::Ready(answer.map_err(|error| UpstreamError::before_answer(&error)));
                }
                if !self.ended {
                    self.ended = self.connection.as_mut().poll(cx).is_ready();
                }
            }
            if let Poll::Ready(answer) = response.as_mut().poll(cx) {
                return Poll::Ready(answer.map_err(|error| UpstreamError::before_answer(&error)));
            }
            if self.ended { Poll::Ready(Err(UpstreamError::ClosedBeforeAnswer)) } else { Poll::Pending }
        })
        .await
    }
}
