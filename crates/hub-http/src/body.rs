//! The body of an answer: nothing, one piece, or a stream of pieces.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::server::Busy;

type Stream = Pin<Box<dyn HttpBody<Data = Bytes, Error = io::Error> + Send>>;

/// What the hub answers with. An error in a stream cuts the connection, so that a client can't take the part
/// for the whole.
pub struct Body {
    kind: Kind,
    #[expect(dead_code, reason = "held for its drop, which marks the connection as idle")]
    busy: Option<Busy>,
}

enum Kind {
    Whole(Option<Bytes>),
    Stream(Stream),
}

impl Body {
    /// No bytes.
    pub const fn empty() -> Self {
        Self { kind: Kind::Whole(None), busy: None }
    }

    /// A stream of pieces.
    pub fn stream(body: impl HttpBody<Data = Bytes, Error = io::Error> + Send + 'static) -> Self {
        Self { kind: Kind::Stream(Box::pin(body)), busy: None }
    }

    /// Marks the connection as busy until this body is gone.
    pub(crate) fn guarded(self, busy: Busy) -> Self {
        Self { busy: Some(busy), ..self }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(whole: T) -> Self {
        let whole = whole.into();
        Self { kind: Kind::Whole((!whole.is_empty()).then_some(whole)), busy: None }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match &mut self.get_mut().kind {
            Kind::Whole(whole) => Poll::Ready(whole.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Stream(stream) => stream.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Whole(whole) => whole.is_none(),
            Kind::Stream(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Whole(whole) => SizeHint::with_exact(whole.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Kind::Stream(stream) => stream.size_hint(),
        }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").field("size", &self.size_hint()).finish_non_exhaustive()
    }
}
