//! HTTP/2: one connection for many requests. Because it serves many tasks at once, none of them can drive it:
//! it has a task of its own, on the tracked spawner. Everything else happens in the task of the request.

mod body;
mod driver;
mod exchange;
mod line;

pub(super) use body::Download;
pub(super) use exchange::NoAnswer;
pub(super) use line::{Line, Slot};

use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};

use super::stream::Stream;

/// What a stream may have sent that nobody has taken yet.
const STREAM_WINDOW: u32 = 192 << 10;

/// For all streams together there is no bound but the sum of theirs: a few slow readers must not hold up the
/// rest.
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;

/// What a stream may have been given to send that has not left yet.
const SEND_BUFFER: usize = 128 << 10;

/// Pieces are small where answers are streamed, and each costs more memory than its bytes: the bound on this
/// over all streams that wait for slow readers. Beyond it the upstream is hostile, and the connection ends.
const SMALL_PIECES: usize = 64 << 20;

/// Streams that were cancelled are remembered for so long, so many of them, and what is still on its way for them
/// is ignored. What comes for a forgotten one counts as the peer's mistake, like others that concern one stream
/// only; at so many of these the connection ends. (The library's own figures are for servers: fifty clients that
/// leave at once would be enough to begin counting.)
const CANCELLED_FOR: Duration = Duration::from_secs(3);
const MOST_CANCELLED: usize = 20_000;
const MOST_MISTAKES: usize = 20_000;

/// As for HTTP/1.1.
const MAX_HEADERS: u32 = 64 << 10;

/// How many streams the peer takes is not known before its settings come; this stands for "not known".
const UNSETTLED: usize = 9973;

/// A connection that has just been made: the handle that gives it work, and what has to be driven.
pub(super) struct Fresh {
    sender: SendRequest<Bytes>,
    connection: Box<Connection<Stream, Bytes>>,
}

impl Fresh {
    /// Says hello; does not wait for an answer.
    pub(super) async fn shake_hands(stream: Stream) -> Result<Self, h2::Error> {
        let (sender, connection) = Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buffer_size(SEND_BUFFER)
            .data_frame_budget(SMALL_PIECES)
            .reset_stream_duration(CANCELLED_FOR)
            .max_concurrent_reset_streams(MOST_CANCELLED)
            .max_local_error_reset_streams(Some(MOST_MISTAKES))
            .max_header_list_size(MAX_HEADERS)
            .initial_max_send_streams(UNSETTLED)
            .enable_push(false)
            .handshake(stream)
            .await?;
        Ok(Self { sender, connection: Box::new(connection) })
    }
}
