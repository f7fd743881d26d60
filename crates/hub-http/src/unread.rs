//! What to do with a request body that nobody wants: the answer is there before it was read.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::sync::oneshot;

/// Bytes that are read for nothing, at most. Requests of coding clients are a tenth of it.
const MOST: usize = 1 << 20;
/// How long they may take to come.
const PATIENCE: Duration = Duration::from_millis(500);

/// Reads the rest of a body and keeps nothing of it, within small bounds of size and time. Returns whether the
/// body is through: otherwise the connection can't carry another request, and the answer has to say so.
///
/// Clients use a connection again as soon as they have an answer. One that is closed then, for the sake of a
/// body that is still in the air, takes their next request with it.
pub async fn discard_body<B>(body: &mut B) -> bool
where
    B: Body + Unpin,
{
    let reading = async {
        let mut left = MOST;
        while !body.is_end_stream() {
            match body.frame().await {
                None => return true,
                Some(Err(_)) => return false,
                Some(Ok(frame)) => {
                    let size = frame.data_ref().map_or(0, bytes::Buf::remaining);
                    let Some(rest) = left.checked_sub(size) else { return false };
                    left = rest;
                }
            }
        }
        true
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap_or(false)
}

/// A body that comes back from whoever it was given to, when they drop it: what is left of it can be discarded then.
#[derive(Debug)]
pub struct Lent<B> {
    body: Option<B>,
    back: Option<oneshot::Sender<B>>,
}

/// Where a [`Lent`] body comes back.
#[derive(Debug)]
pub struct Return<B>(oneshot::Receiver<B>);

/// Lends a body to somebody who wants to own it.
pub fn lend<B>(body: B) -> (Lent<B>, Return<B>) {
    let (back, returned) = oneshot::channel();
    (Lent { body: Some(body), back: Some(back) }, Return(returned))
}

impl<B> Return<B> {
    /// The body, unless it is still in use.
    pub fn take(mut self) -> Option<B> {
        self.0.try_recv().ok()
    }
}

impl<B> Drop for Lent<B> {
    fn drop(&mut self) {
        if let (Some(body), Some(back)) = (self.body.take(), self.back.take()) {
            // Nobody may be waiting for it.
            let _ = back.send(body);
        }
    }
}

impl<B: Body + Unpin> Body for Lent<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match &mut self.get_mut().body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use futures_util::stream;
    use http_body_util::{Empty, Full, StreamBody};

    use super::*;

    #[tokio::test]
    async fn a_body_of_usual_size_is_read_to_its_end() {
        assert!(discard_body(&mut Empty::<Bytes>::new()).await);
        assert!(discard_body(&mut Full::new(Bytes::from(vec![0; 100_000]))).await);
    }

    #[tokio::test]
    async fn a_body_on_loan_comes_back_with_what_nobody_read() {
        let pieces = ["a", "b"].map(|text| Ok::<_, Infallible>(Frame::data(Bytes::from(text))));
        let (mut lent, returned) = lend(StreamBody::new(stream::iter(pieces)));
        assert_eq!(lent.frame().await.unwrap().unwrap().into_data().unwrap(), "a");
        drop(lent);
        assert_eq!(returned.take().unwrap().collect().await.unwrap().to_bytes(), "b");

        let (lent, returned) = lend(Empty::<Bytes>::new());
        assert!(lent.is_end_stream());
        assert!(returned.take().is_none(), "it is in use");
    }

    #[tokio::test]
    async fn a_large_one_is_not() {
        assert!(!discard_body(&mut Full::new(Bytes::from(vec![0; MOST + 1]))).await);
    }

    #[tokio::test]
    async fn one_that_does_not_come_is_not_waited_for_long() {
        let mut body = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
        assert!(!discard_body(&mut body).await);
    }
}
