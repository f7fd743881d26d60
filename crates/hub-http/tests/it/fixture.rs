//! A server with a service whose path says what it does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use hub_http::{Body, BodyLimits, Server, ServerSettings, Service, read_body};

/// `/echo` answers with the body it was sent, `/wait` after [`Paths::release`], `/endless` never ends,
/// `/ignore` answers without reading the body.
pub(crate) struct Paths {
    pub(crate) calls: AtomicUsize,
    /// Bytes handed out by `/endless`.
    pub(crate) streamed: Arc<AtomicUsize>,
    /// Calls whose answer is neither finished nor given up.
    pub(crate) running: Arc<AtomicUsize>,
    released: Semaphore,
    limits: BodyLimits,
}

impl Paths {
    pub(crate) fn new(limits: BodyLimits) -> Arc<Self> {
        Arc::new(Self {
            calls: AtomicUsize::new(0),
            streamed: Arc::default(),
            running: Arc::default(),
            released: Semaphore::new(0),
            limits,
        })
    }

    /// Lets one call of `/wait` be answered.
    pub(crate) fn release(&self) {
        self.released.add_permits(1);
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

struct Running(Arc<AtomicUsize>);

impl Running {
    fn start(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Service for Paths {
    async fn call(&self, request: Request<Incoming>, _peer: SocketAddr) -> Response<Body> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let running = Running::start(&self.running);
        match request.uri().path() {
            "/echo" => {
                let (head, body) = request.into_parts();
                match read_body(&head.headers, body, self.limits).await {
                    Ok(body) => Response::new(Body::from(body)),
                    Err(error) => refusal(&error.to_string()),
                }
            }
            "/wait" => {
                self.released.acquire().await.unwrap().forget();
                Response::new(Body::from("released"))
            }
            "/endless" => {
                let streamed = Arc::clone(&self.streamed);
                let pieces = futures_util::stream::repeat_with(move || {
                    let _running = &running;
                    streamed.fetch_add(16 << 10, Ordering::SeqCst);
                    Ok(Frame::data(Bytes::from(vec![b'x'; 16 << 10])))
                });
                Response::new(Body::stream(StreamBody::new(pieces)))
            }
            _ => Response::new(Body::stream(
                Full::new(Bytes::from_static(b"fine")).map_err(std::io::Error::other),
            )),
        }
    }
}

fn refusal(message: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(message.to_owned()));
    *response.status_mut() = http::StatusCode::BAD_REQUEST;
    response
}

/// A server on loopback over `paths`.
pub(crate) async fn serve(settings: ServerSettings, paths: &Arc<Paths>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Server::start(listener, settings, Arc::clone(paths)).unwrap()
}

/// Short patience, for tests of it.
pub(crate) fn impatient() -> ServerSettings {
    ServerSettings {
        header_timeout: Duration::from_millis(300),
        idle_timeout: Duration::from_millis(600),
        ..ServerSettings::default()
    }
}

/// Waits until `is_true`, at most five seconds.
pub(crate) async fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(5);
    while !is_true() {
        assert!(Instant::now() < end, "{what} did not come true");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
