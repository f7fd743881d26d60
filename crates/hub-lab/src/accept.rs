//! The accept loop and the life of one connection.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::serve::{Shared, serve};
use crate::socket::{LabSocket, ResetSwitch};

/// Ends the connections accepted since it was made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connections {
    pub(crate) close: CancellationToken,
    pub(crate) reset: CancellationToken,
}

/// What the accept loop works with.
#[derive(Debug, Clone)]
pub(crate) struct Acceptor {
    pub(crate) shared: Arc<Shared>,
    pub(crate) tracker: TaskTracker,
    pub(crate) connections: Arc<Mutex<Connections>>,
}

impl Acceptor {
    /// Accepts until told to stop; the port closes when this returns.
    pub(crate) async fn run(self, listener: TcpListener, stop: CancellationToken) {
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    let connections = self.connections.lock().clone();
                    self.tracker.spawn(connection(Arc::clone(&self.shared), stream, connections));
                }
                // Out of file descriptors, most likely: give the others time to end.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }
}

async fn connection(shared: Arc<Shared>, stream: TcpStream, connections: Connections) {
    let reset = ResetSwitch::default();
    let Ok(socket) = LabSocket::new(stream, reset.clone()) else { return };
    let service = {
        let reset = reset.clone();
        service_fn(move |request| serve(Arc::clone(&shared), reset.clone(), request))
    };
    let mut http = http1::Builder::new();
    // Without a timer hyper cannot limit the time for a head; the lab's callers are our own.
    http.header_read_timeout(None).max_headers(256).auto_date_header(true);
    let serving = http.serve_connection(TokioIo::new(socket), service);
    tokio::select! {
        biased;
        // An error here is a scripted end or a caller that went away; the witness knows which.
        _ = serving => {}
        () = connections.close.cancelled() => {}
        // Armed here and not in the arm's block: the socket is dropped before that runs.
        () = async { connections.reset.cancelled().await; reset.arm() } => {}
    }
}
