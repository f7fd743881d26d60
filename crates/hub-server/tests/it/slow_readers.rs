//! Clients that read a hundred megabytes at a kilobyte a second: the hub holds next to nothing for them, because it
//! reads no faster from the provider than they do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::harness::{Admin, Site, eventually};

const READERS: u64 = 40;
const STREAM: usize = 100_000_000;
/// The length of the test is what makes the readers slow.
const SECONDS: u32 = 4;
/// Of the hub's memory, for each of them.
const SHARE_KIB: u64 = 1024;
/// What the kernel may hold on both ways, however small the buffers that were asked for, is far below the stream.
const MOST_SENT: usize = STREAM / 3;
const PATIENCE: Duration = Duration::from_secs(60);

/// A vendor that says as much as it can, and how much of it each connection took until it was closed.
struct Torrent {
    address: SocketAddr,
    taken: Arc<Mutex<Vec<usize>>>,
    /// Ends with this value.
    _tasks: JoinSet<()>,
}

impl Torrent {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let taken: Arc<Mutex<Vec<usize>>> = Arc::default();
        let (mut tasks, kept) = (JoinSet::new(), Arc::clone(&taken));
        tasks.spawn(async move {
            let mut answering = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                answering.spawn(async move {
                    let sent = pour(socket).await;
                    kept.lock().push(sent);
                });
            }
        });
        Self { address, taken, _tasks: tasks }
    }
}

/// Answers one request; how many bytes of the stream were taken.
async fn pour(mut socket: TcpStream) -> usize {
    const BEGINNING: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n\
        event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":\"message\",\
        \"role\":\"assistant\",\"model\":\"claude-sonnet-4-5\",\"content\":[],\"usage\":{\"input_tokens\":5,\
        \"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\
        \"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n";
    const DELTA: &str = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\
        \"delta\":{\"type\":\"text_delta\",\"text\":\"and so on and on\"}}\n\n";
    let mut request = vec![0; 16 << 10];
    if socket.read(&mut request).await.unwrap_or(0) == 0
        || socket.write_all(BEGINNING.as_bytes()).await.is_err()
    {
        return 0;
    }
    let deltas = DELTA.repeat(100);
    let mut sent = 0;
    while sent < STREAM {
        match socket.write(deltas.as_bytes()).await {
            Ok(written) => sent += written,
            Err(_) => break,
        }
    }
    sent
}

/// A client whose socket holds little by itself, at the beginning of its answer.
async fn begin(hub: SocketAddr, key: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 << 10).unwrap();
    let mut stream = socket.connect(hub).await.unwrap();
    let body = json!({
        "model": "claude-sonnet-4-5", "max_tokens": 1000, "stream": true,
        "messages": [{"role": "user", "content": "Tell me everything."}],
    });
    let body = body.to_string();
    let request = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: hub\r\nx-api-key: {key}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 1024];
    assert!(stream.read(&mut first).await.unwrap() > 0);
    assert!(first.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&first));
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_a_kilobyte_a_second_cost_less_than_a_mebibyte_each() {
    let site = Site::embedded();
    let vendor = Torrent::start().await;
    let hub = site.start().await;
    let admin = Admin(hub.address);
    let seeded = admin.seed(&format!("http://{}", vendor.address)).await;
    admin.patch(&format!("/providers/{}", seeded.provider_id), json!({"on_client_abort": "cancel"})).await;
    let gone = async |count: usize| {
        let all_gone = async || (vendor.taken.lock().len() >= count).then_some(());
        eventually("the provider is let go", PATIENCE, all_gone).await;
        let at_rest = async || (hub.metric("hub_requests_in_flight").await == Some(0.0)).then_some(());
        eventually("no request is under way", PATIENCE, at_rest).await;
    };
    // The first one makes the hub load what it needs for anybody.
    drop(begin(hub.address, &seeded.key).await);
    gone(1).await;
    let before = hub.look().resident_kib;

    let mut readers = Vec::new();
    for _ in 0..READERS {
        readers.push(begin(hub.address, &seeded.key).await);
    }
    let (began, mut most, mut read) = (Instant::now(), 0, 0);
    let mut piece = [0; 1024];
    while began.elapsed() < Duration::from_secs(1) * SECONDS {
        for reader in &mut readers {
            read += reader.read_exact(&mut piece).await.unwrap();
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        most = most.max(hub.look().resident_kib);
    }
    let readers_gone = readers.len();
    drop(readers);
    gone(1 + readers_gone).await;

    let share = most.saturating_sub(before) / READERS;
    let largest = vendor.taken.lock().iter().copied().max().unwrap();
    println!(
        "{READERS} readers took {read} bytes: {share} KiB each ({before} → {most} KiB), the provider sent at most {largest}"
    );
    assert!(share < SHARE_KIB, "{share} KiB each");
    assert!(largest < MOST_SENT, "the provider sent {largest} bytes of {STREAM}");
    hub.stop().await;
}
