//! An upstream that answers any bytes it is told to, and is strict about what it is asked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use hub_http::Tasks;

use crate::forge::{self, Act};
use crate::framings::SMUGGLED;
use crate::hub::VENDOR_CREDENTIAL;

/// The request header that asks for forged answer number so-and-so.
pub(crate) const FORGE: &str = "x-forge";

/// See the module's documentation.
pub(crate) struct RawUpstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    tasks: Tasks,
}

struct Shared {
    seed: u64,
    requests: AtomicU64,
    open: AtomicUsize,
    most_open: AtomicUsize,
    complaints: Mutex<Vec<String>>,
    close_all: Mutex<CancellationToken>,
}

impl RawUpstream {
    pub(crate) async fn start(seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shared = Arc::new(Shared {
            seed,
            requests: AtomicU64::new(0),
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
            complaints: Mutex::default(),
            close_all: Mutex::default(),
        });
        let upstream = Self { address: listener.local_addr().unwrap(), shared, tasks: Tasks::new() };
        upstream.tasks.spawn(accept(listener, Arc::clone(&upstream.shared), upstream.tasks.clone()));
        upstream
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Requests that came in whole.
    pub(crate) fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn open_connections(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }

    pub(crate) fn most_open_connections(&self) -> usize {
        self.shared.most_open.load(Ordering::SeqCst)
    }

    /// What was not as it should be in the requests.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.shared.complaints.lock().clone()
    }

    /// Closes all connections; new ones are still accepted.
    pub(crate) fn close_connections(&self) {
        std::mem::take(&mut *self.shared.close_all.lock()).cancel();
    }

    pub(crate) async fn stop(self) {
        self.close_connections();
        assert_eq!(self.tasks.finish(Duration::from_secs(5)).await, 0, "connections of the upstream hang");
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, tasks: Tasks) {
    loop {
        let accepted = tokio::select! {
            () = tasks.stop_signal().cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((socket, _)) = accepted else { continue };
        let shared = Arc::clone(&shared);
        let close = shared.close_all.lock().clone();
        tasks.spawn(async move {
            let open = shared.open.fetch_add(1, Ordering::SeqCst) + 1;
            shared.most_open.fetch_max(open, Ordering::SeqCst);
            tokio::select! {
                () = close.cancelled() => {}
                () = serve(socket, &shared) => {}
            }
            shared.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

async fn serve(mut socket: TcpStream, shared: &Shared) {
    let _ = socket.set_nodelay(true);
    let mut wire = Vec::new();
    loop {
        let Some(request) = read_request(&mut socket, &mut wire, shared).await else { return };
        shared.requests.fetch_add(1, Ordering::SeqCst);
        let acts = match request.forge {
            Some(number) => forge::script(shared.seed, number, &request.path),
            None => vec![Act::Send(forge::good(&request.path)), Act::Stay],
        };
        if !perform(&mut socket, acts).await {
            return;
        }
    }
}

struct Incoming {
    path: String,
    forge: Option<u64>,
}

/// Reads one request out of `wire` and the socket, and looks closely at it.
async fn read_request(socket: &mut TcpStream, wire: &mut Vec<u8>, shared: &Shared) -> Option<Incoming> {
    let complain = |text: String| shared.complaints.lock().push(text);
    let end = loop {
        if let Some(end) = wire.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if socket.read_buf(wire).await.ok()? == 0 {
            return None;
        }
    };
    let head: String = wire[..end - 4].iter().map(|byte| char::from(*byte)).collect();
    let mut lines = head.split("\r\n");
    let start = lines.next().unwrap_or_default();
    let words: Vec<&str> = start.split(' ').collect();
    if !matches!(words.as_slice(), ["POST", target, "HTTP/1.1"] if target.starts_with('/')) {
        complain(format!("request line {start:?}"));
    }
    let (mut length, mut forge) = (Vec::new(), None);
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        let is_token = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
        if !is_token || value.contains(['\r', '\n', '\0']) {
            complain(format!("header line {line:?}"));
        }
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length.push(value.parse::<usize>().ok()),
            FORGE => forge = value.parse().ok(),
            SMUGGLED | "x-injected" | "transfer-encoding" | "cookie" => complain(format!("header {line:?}")),
            "x-api-key" | "x-goog-api-key" if value != VENDOR_CREDENTIAL => {
                complain(format!("header {name}"));
            }
            _ => {}
        }
    }
    let length = match length.as_slice() {
        [Some(length)] => *length,
        other => {
            complain(format!("lengths {other:?}"));
            return None;
        }
    };
    while wire.len() < end + length {
        if socket.read_buf(wire).await.ok()? == 0 {
            return None;
        }
    }
    wire.drain(..end + length);
    if !wire.is_empty() {
        complain(format!("{} bytes behind the request", wire.len()));
    }
    Some(Incoming { path: words.get(1).copied().unwrap_or_default().to_owned(), forge })
}

/// Plays an answer. True if the connection may be used again.
async fn perform(socket: &mut TcpStream, acts: Vec<Act>) -> bool {
    for act in acts {
        let is_lost = match act {
            Act::Send(bytes) => socket.write_all(&bytes).await.is_err(),
            Act::Trickle { bytes, pause } => trickle(socket, &bytes, pause).await,
            Act::Flood { bytes, times } => flood(socket, &bytes, times).await,
            Act::Silence => {
                // Until the other side has had enough of it.
                let mut nothing = [0; 1];
                let _ = socket.read(&mut nothing).await;
                true
            }
            Act::Stay => return true,
            Act::Close => {
                let _ = socket.shutdown().await;
                true
            }
            Act::Reset => {
                let _ = socket.set_zero_linger();
                true
            }
        };
        if is_lost {
            return false;
        }
    }
    false
}

async fn trickle(socket: &mut TcpStream, bytes: &[u8], pause: Duration) -> bool {
    for byte in bytes {
        if socket.write_all(&[*byte]).await.is_err() {
            return true;
        }
        tokio::time::sleep(pause).await;
    }
    false
}

async fn flood(socket: &mut TcpStream, bytes: &[u8], times: usize) -> bool {
    for _ in 0..times {
        if socket.write_all(bytes).await.is_err() {
            return true;
        }
    }
    false
}
