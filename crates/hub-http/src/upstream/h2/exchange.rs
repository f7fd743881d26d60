//! One request on a connection for many, up to the head of its answer.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, SendStream};
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use http::response::Parts;
use http::{HeaderValue, Method, Request, Uri, Version};

use super::{Download, Slot};
use crate::upstream::error::UpstreamError;
use crate::upstream::route::Origin;

/// Handed over at once.
const PIECE: usize = 64 << 10;

/// An exchange that came to nothing.
pub(in super::super) struct NoAnswer {
    pub(in super::super) error: UpstreamError,
    /// May the request be sent once more? It is certain, or as good as, that the upstream did not take it.
    pub(in super::super) again: bool,
}

impl From<UpstreamError> for NoAnswer {
    fn from(error: UpstreamError) -> Self {
        Self { error, again: false }
    }
}

impl Slot {
    /// Sends a request and waits for the head of its answer.
    pub(in super::super) async fn send(
        self,
        origin: &Origin,
        request: Request<Bytes>,
    ) -> Result<(Parts, Download), NoAnswer> {
        let (request, body) = translate(origin, request).ok_or(UpstreamError::Malformed)?;
        let sent = self.sender().send_request(request, body.is_empty());
        let (mut response, stream) = sent.map_err(|error| self.judge(&error))?;
        let mut upload = Some(Upload { stream, rest: body });
        let head = poll_fn(|cx| {
            Upload::drive(&mut upload, cx);
            Pin::new(&mut response).poll(cx)
        });
        let (head, incoming) = head.await.map_err(|error| self.judge(&error))?.into_parts();
        let download = Download::new(&head, incoming, upload, self);
        Ok((head, download))
    }

    fn judge(&self, error: &h2::Error) -> NoAnswer {
        // A farewell comes to streams that the peer will not look at, and to no others.
        let not_taken = error.is_remote()
            && (error.is_go_away() || (error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM)));
        if not_taken {
            self.retire();
        }
        let is_stale = self.reused && self.was_idle && error.is_io();
        let error =
            if error.is_library() { UpstreamError::Malformed } else { UpstreamError::ClosedBeforeAnswer };
        NoAnswer { error, again: not_taken || is_stale }
    }
}

/// The body of a request on its way out.
pub(super) struct Upload {
    stream: SendStream<Bytes>,
    rest: Bytes,
}

impl Upload {
    /// Sends what can be sent now; what is through is dropped.
    pub(super) fn drive(this: &mut Option<Self>, cx: &mut Context<'_>) {
        if let Some(upload) = this
            && upload.poll(cx).is_ready()
        {
            *this = None;
        }
    }

    /// Ready when all is handed over, or the upstream wants no more: then its answer says why.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.rest.is_empty() {
            self.stream.reserve_capacity(self.rest.len().min(PIECE));
            let room = match self.stream.capacity() {
                0 => match ready!(self.stream.poll_capacity(cx)) {
                    Some(Ok(room)) => room,
                    Some(Err(_)) | None => return Poll::Ready(()),
                },
                room => room,
            };
            let piece = self.rest.split_to(room.min(self.rest.len()));
            if !piece.is_empty() && self.stream.send_data(piece, self.rest.is_empty()).is_err() {
                return Poll::Ready(());
            }
        }
        Poll::Ready(())
    }
}

/// A request of HTTP/1.1's form in HTTP/2's.
fn translate(origin: &Origin, request: Request<Bytes>) -> Option<(Request<()>, Bytes)> {
    let (mut head, body) = request.into_parts();
    let authority = match head.headers.remove(HOST) {
        Some(host) => host.to_str().ok()?.to_owned(),
        None => origin.host_header(),
    };
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = Uri::builder().scheme("https").authority(authority).path_and_query(path).build().ok()?;
    head.version = Version::HTTP_2;
    // What only concerned a connection of HTTP/1.1 may not be said here.
    for name in [CONNECTION, TRANSFER_ENCODING, UPGRADE] {
        head.headers.remove(name);
    }
    for name in ["keep-alive", "proxy-connection"] {
        head.headers.remove(name);
    }
    if head.headers.get(TE).is_some_and(|te| te != "trailers") {
        head.headers.remove(TE);
    }
    let has_length = !body.is_empty() || matches!(head.method, Method::POST | Method::PUT | Method::PATCH);
    if has_length {
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    Some((Request::from_parts(head, ()), body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_lose_what_belongs_to_a_connection_and_keep_the_rest() {
        let origin = Origin::new(true, "a.example", 8443);
        let request = Request::post("/v1/x?y=z")
            .header("host", "b.example")
            .header("connection", "keep-alive, x-mine")
            .header("keep-alive", "timeout=5")
            .header("transfer-encoding", "chunked")
            .header("te", "gzip")
            .header("x-mine", "stays")
            .body(Bytes::from_static(b"body"))
            .unwrap();
        let (head, body) = translate(&origin, request).unwrap();
        assert_eq!(
            (head.uri().to_string().as_str(), &body[..]),
            ("https://b.example/v1/x?y=z", &b"body"[..])
        );
        let names: Vec<&str> = head.headers().keys().map(http::HeaderName::as_str).collect();
        assert_eq!(names, ["x-mine", "content-length"]);
        let (head, _) = translate(&origin, Request::get("/").body(Bytes::new()).unwrap()).unwrap();
        assert_eq!((head.uri().to_string().as_str(), head.headers().len()), ("https://a.example:8443/", 0));
    }
}
