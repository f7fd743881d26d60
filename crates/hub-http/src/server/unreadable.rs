//! What a peer is told that does not speak HTTP, sends too large a head, or comes when every place is taken.
//!
//! hyper answers an unreadable head by itself, with a bare status. That answer is recognised on its way out
//! (it is written while no request is being answered) and gets a body that says what is wrong. The dialect
//! can't be known at this point; the object's shape is one that clients of every dialect find a message in.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

const TURNED_AWAY: (&str, &str, &str) = (
    "503 Service Unavailable",
    "overloaded_error",
    "too many connections to the hub: try again in a few seconds",
);

fn answer((status, kind, message): (&str, &str, &str), more_headers: &str) -> Vec<u8> {
    let body =
        format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}","code":"{kind}"}}}}"#);
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{more_headers}connection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The answer to send instead of hyper's own bare one, if `bytes` is that.
pub(super) fn explain(no_request_is_running: bool, bytes: &[u8]) -> Option<Vec<u8>> {
    // The hub's own answers to errors are never empty.
    if !no_request_is_running || memchr::memmem::find(bytes, b"content-length: 0\r\n").is_none() {
        return None;
    }
    let status = bytes.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    let problem = match status {
        b"431" => (
            "431 Request Header Fields Too Large",
            "invalid_request_error",
            "the request's headers are too large: at most 64 KiB and 100 fields",
        ),
        b"414" => ("414 URI Too Long", "invalid_request_error", "the request's URL is too long"),
        b"400" => ("400 Bad Request", "invalid_request_error", "the request is not valid HTTP/1.1"),
        _ => return None,
    };
    Some(answer(problem, ""))
}

/// Writes `explained` in place of `replaced` bytes. The socket's buffer is empty at this point, so a short
/// answer fits whole or the connection is lost anyway.
pub(super) fn write_once(
    socket: &mut TcpStream,
    cx: &mut Context<'_>,
    explained: &[u8],
    replaced: usize,
) -> Poll<io::Result<usize>> {
    Pin::new(socket).poll_write(cx, explained).map_ok(|_| replaced)
}

/// Tells a peer that there is no place for it, and closes.
pub(super) async fn turn_away(mut socket: TcpStream) {
    let farewell = async {
        socket.write_all(&answer(TURNED_AWAY, "retry-after: 2\r\n")).await?;
        socket.shutdown().await?;
        // Closing with unread bytes would reset the connection, and the peer might never see the answer.
        let mut rest = [0; 1024];
        while socket.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    // Whether the peer listens to the end is its own affair.
    let _ = tokio::time::timeout(Duration::from_secs(1), farewell).await;
}
