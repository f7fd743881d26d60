//! An upstream that answers every request with the same bytes, for answers that no vendor would give.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::find;

/// See the module's documentation. Stops when dropped.
pub(crate) struct Upstream {
    address: SocketAddr,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
    /// Ends with this value.
    _tasks: JoinSet<()>,
}

impl Upstream {
    /// Answers 200 with this body.
    pub(crate) async fn answering(content_type: &str, body: &[u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::at(listener, "200 OK", content_type, "", body)
    }

    /// Answers 200, and closes the connection when it has sent this much of a longer body.
    pub(crate) async fn breaking_off(content_type: &str, body: &[u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::announcing(listener, "200 OK", content_type, "", body, body.len() + 100)
    }

    /// Answers at this listener with this status, more header lines (each ended by CRLF) and body.
    pub(crate) fn at(
        listener: TcpListener,
        status: &str,
        content_type: &str,
        headers: &str,
        body: &[u8],
    ) -> Self {
        Self::announcing(listener, status, content_type, headers, body, body.len())
    }

    fn announcing(
        listener: TcpListener,
        status: &str,
        content_type: &str,
        headers: &str,
        body: &[u8],
        length: usize,
    ) -> Self {
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n"
        );
        let answer = [head.as_bytes(), body].concat();
        let address = listener.local_addr().unwrap();
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bodies);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut answering = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                answering.spawn(serve(socket, answer.clone(), Arc::clone(&kept)));
            }
        });
        Self { address, bodies, _tasks: tasks }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The bodies that came, in order.
    pub(crate) fn bodies(&self) -> Vec<Vec<u8>> {
        self.bodies.lock().clone()
    }
}

async fn serve(mut socket: TcpStream, answer: Vec<u8>, bodies: Arc<Mutex<Vec<Vec<u8>>>>) {
    let mut raw = Vec::new();
    let (head, length) = loop {
        if socket.read_buf(&mut raw).await.unwrap_or(0) == 0 {
            return;
        }
        if let Some(end) = find(&raw, b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&raw[..end]).to_ascii_lowercase();
            let length = head.split("content-length:").nth(1).map_or(0, |rest| {
                rest.split("\r\n").next().unwrap_or_default().trim().parse::<usize>().unwrap()
            });
            break (end + 4, length);
        }
    };
    while raw.len() < head + length {
        if socket.read_buf(&mut raw).await.unwrap_or(0) == 0 {
            return;
        }
    }
    bodies.lock().push(raw.split_off(head));
    let _ = socket.write_all(&answer).await;
    let _ = socket.shutdown().await;
}
