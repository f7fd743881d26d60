//! What to do with a request body that nobody wants: the answer is there before it was read.

use std::time::Duration;

use http_body_util::BodyExt as _;

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
    B: http_body::Body + Unpin,
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::{Empty, Full, StreamBody};

    use super::*;

    #[tokio::test]
    async fn a_body_of_usual_size_is_read_to_its_end() {
        assert!(discard_body(&mut Empty::<Bytes>::new()).await);
        assert!(discard_body(&mut Full::new(Bytes::from(vec![0; 100_000]))).await);
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
