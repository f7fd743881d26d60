//! The body of an answer on a connection for many. Dropped before its end, it cancels its own stream and
//! leaves the others alone.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use http::header::CONTENT_LENGTH;
use http::response::Parts;

use super::Slot;
use super::exchange::Upload;
use crate::upstream::error::UpstreamError;

/// See the module's documentation. The order of the fields is that of their end: the stream before the slot.
pub(in super::super) struct Download {
    incoming: RecvStream,
    /// An upstream may begin to answer before it has read everything.
    upload: Option<Upload>,
    announced: Option<u64>,
    slot: Option<Slot>,
}

impl Download {
    pub(super) fn new(head: &Parts, incoming: RecvStream, upload: Option<Upload>, slot: Slot) -> Self {
        let announced =
            head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        Self { incoming, upload, announced, slot: Some(slot) }
    }

    /// How much is to come, if that is known.
    pub(in super::super) fn announced_length(&self) -> Option<u64> {
        if self.is_end() { Some(0) } else { self.announced }
    }

    pub(in super::super) fn is_end(&self) -> bool {
        self.slot.is_none() || self.incoming.is_end_stream()
    }

    pub(in super::super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        if self.slot.is_none() {
            return Poll::Ready(None);
        }
        Upload::drive(&mut self.upload, cx);
        let piece = ready!(self.incoming.poll_data(cx));
        let piece = piece.map(|piece| {
            let piece = piece.map_err(|_| UpstreamError::Broken)?;
            // Only what has been taken makes room for more: a slow reader slows the upstream down.
            let released = self.incoming.flow_control().release_capacity(piece.len());
            released.map_err(|_| UpstreamError::Broken)?;
            self.announced = self.announced.map(|left| left.saturating_sub(piece.len() as u64));
            Ok(piece)
        });
        // What may follow the last piece, trailers, carries nothing that clients of these APIs know.
        if !matches!(piece, Some(Ok(_))) || self.incoming.is_end_stream() {
            self.slot = None;
        }
        Poll::Ready(piece)
    }
}
