//! The accept loop: connections in, bounded in number and in patience, drained at the end.

mod connection;
mod patience;
mod unreadable;

pub(crate) use patience::Busy;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Body;

/// Answers requests. Infallible: every failure is an answer already.
pub trait Service: Send + Sync + 'static {
    /// Answers one request from `peer`.
    fn call(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// Bounds of a server.
#[derive(Debug, Clone, Copy)]
pub struct ServerSettings {
    /// Connections at once; one more is told 503 and closed.
    pub max_connections: usize,
    /// From a head's first byte to its last.
    pub header_timeout: Duration,
    /// Between two requests on a connection.
    pub idle_timeout: Duration,
    /// Bytes of a head.
    pub max_header_bytes: usize,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(90),
            max_header_bytes: 64 << 10,
        }
    }
}

/// A running accept loop.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    loop_and_connections: TaskTracker,
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were cut because they outlasted the patience.
    pub cut: usize,
}

impl Server {
    /// Starts to accept on a bound listener.
    pub fn start<S: Service>(
        listener: TcpListener,
        settings: ServerSettings,
        service: Arc<S>,
    ) -> std::io::Result<Self> {
        let server = Self {
            address: listener.local_addr()?,
            stop: CancellationToken::new(),
            loop_and_connections: TaskTracker::new(),
        };
        let (stop, tracker) = (server.stop.clone(), server.loop_and_connections.clone());
        server.loop_and_connections.spawn(accept(listener, settings, service, stop, tracker));
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Open connections.
    pub fn connections(&self) -> usize {
        self.loop_and_connections.len().saturating_sub(1)
    }

    /// Stops accepting, lets running requests finish, at most `patience`; what is left then is cut by
    /// dropping this value's runtime. Idle connections close at once.
    pub async fn drain(&self, patience: Duration) -> Drained {
        self.stop.cancel();
        self.loop_and_connections.close();
        // Running out of patience is answered by the count below.
        let _ = tokio::time::timeout(patience, self.loop_and_connections.wait()).await;
        Drained { cut: self.loop_and_connections.len() }
    }
}

async fn accept<S: Service>(
    listener: TcpListener,
    settings: ServerSettings,
    service: Arc<S>,
    stop: CancellationToken,
    tracker: TaskTracker,
) {
    let places = Arc::new(Semaphore::new(settings.max_connections));
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, or the peer is gone already: neither ends the server.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => {
                let connection =
                    connection::serve(socket, peer, settings, Arc::clone(&service), stop.clone());
                tracker.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(_) => {
                tracker.spawn(unreadable::turn_away(socket));
            }
        }
    }
}

/// The hyper side of a service: answers can't fail.
type Answer = Result<Response<Body>, Infallible>;
