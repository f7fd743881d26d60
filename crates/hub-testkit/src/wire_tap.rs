//! A proxy between a client and a server: it counts round trips, and makes the server slow or gone.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// How many pieces of data wait in a direction before the sender has to.
const MOST_WAITING: usize = 1_024;
const PIECE: usize = 64 * 1024;

/// Stands on loopback before a server. It belongs to the tokio runtime it was made in; dropping it cuts all
/// connections and refuses further ones.
///
/// A round trip is counted when data comes from a client that has been answered since it sent something last
/// (or has sent nothing yet), on each connection by itself. Commands that a client sends one after another
/// without waiting are one round trip only if all of them are on their way before the first answer reaches it:
/// [`WireTap::set_delay`] holds the answers back for long enough. The signs of life that a connection sends now
/// and then count like everything else; a test that counts sets its watch interval to an hour.
#[derive(Debug)]
pub struct WireTap {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    server: SocketAddr,
    round_trips: AtomicU64,
    delay: watch::Sender<Duration>,
    is_held: watch::Sender<bool>,
    connections: Mutex<JoinSet<()>>,
}

impl WireTap {
    /// Starts one before the server at this port of 127.0.0.1. Nothing is delayed or held yet.
    pub async fn before(port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("bind a tap")?;
        let address = listener.local_addr().context("ask for the tap's address")?;
        let shared = Arc::new(Shared {
            server: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            round_trips: AtomicU64::new(0),
            delay: watch::Sender::new(Duration::ZERO),
            is_held: watch::Sender::new(false),
            connections: Mutex::new(JoinSet::new()),
        });
        let mut task = JoinSet::new();
        task.spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, listener: task })
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The round trips so far, of all connections.
    pub fn round_trips(&self) -> u64 {
        self.shared.round_trips.load(Ordering::SeqCst)
    }

    /// Every answer of the server is passed on this much later, from now on.
    pub fn set_delay(&self, delay: Duration) {
        self.shared.delay.send_replace(delay);
    }

    /// Passes nothing on in either direction until [`WireTap::let_go`]: connections are made and stay open.
    pub fn hold(&self) {
        self.shared.is_held.send_replace(true);
    }

    /// Passes on what was held, and everything after it.
    pub fn let_go(&self) {
        self.shared.is_held.send_replace(false);
    }

    /// Closes all connections there are at the moment, together with what is held in them.
    pub fn cut(&self) {
        self.shared.connections.lock().abort_all();
    }
}

impl Drop for WireTap {
    fn drop(&mut self) {
        self.listener.abort_all();
        self.cut();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let connection = connection(client, Arc::clone(&shared));
        let mut connections = shared.connections.lock();
        while connections.try_join_next().is_some() {}
        connections.spawn(connection);
    }
}

/// Ends with the first side that closes or fails.
async fn connection(client: TcpStream, shared: Arc<Shared>) {
    let Ok(server) = TcpStream::connect(shared.server).await else { return };
    // Latency is what is measured: the kernel must not add its own.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let is_answered = AtomicBool::new(true);
    let asked = || {
        if is_answered.swap(false, Ordering::SeqCst) {
            shared.round_trips.fetch_add(1, Ordering::SeqCst);
        }
    };
    let answered = || is_answered.store(true, Ordering::SeqCst);
    let no_delay = watch::Sender::new(Duration::ZERO);
    tokio::select! {
        () = pass(from_client, to_server, &no_delay, &shared.is_held, asked, || ()) => {}
        () = pass(from_server, to_client, &shared.delay, &shared.is_held, || (), answered) => {}
    }
}

/// Reads at once and writes when it is time: a delay is that of each piece, not the sum over those before it.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    delay: &watch::Sender<Duration>,
    is_held: &watch::Sender<bool>,
    arrived: impl Fn(),
    leaving: impl Fn(),
) {
    let (sender, mut pieces) = mpsc::channel::<(Instant, Vec<u8>)>(MOST_WAITING);
    let read = async move {
        let mut piece = vec![0; PIECE];
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            arrived();
            let due = Instant::now() + *delay.borrow();
            let data = piece.get(..length).unwrap_or_default().to_vec();
            if sender.send((due, data)).await.is_err() {
                return;
            }
        }
    };
    let mut held = is_held.subscribe();
    let write = async move {
        while let Some((due, data)) = pieces.recv().await {
            sleep_until(due).await;
            if held.wait_for(|is_held| !is_held).await.is_err() {
                return;
            }
            leaving();
            if to.write_all(&data).await.is_err() {
                return;
            }
        }
    };
    // What was read before the end is still passed on.
    tokio::join!(read, write);
}
