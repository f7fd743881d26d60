//! An upstream of hyper's, plain or with TLS, HTTP/1.1 or HTTP/2, that counts who comes and can be cut off.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use hub_http::{Origin, Tasks, UpstreamClient, UpstreamError, UpstreamResponse, UpstreamSettings};

/// A certificate for `localhost` and the loopback addresses that nobody trusts who does not know it.
pub(crate) struct Identity {
    certificate: String,
    key: String,
}

impl Identity {
    pub(crate) fn new() -> Self {
        let names = ["localhost", "upstream.test", "127.0.0.1", "::1"].map(str::to_owned);
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        Self { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }

    pub(crate) fn pem(&self) -> String {
        format!("{}{}", self.key, self.certificate)
    }

    pub(crate) fn server(&self, protocols: &[&str]) -> Arc<ServerConfig> {
        install_tls();
        let certificate = CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        let builder = ServerConfig::builder().with_no_client_auth();
        let mut config = builder.with_single_cert(vec![certificate], key).unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }

    /// Trusts this one and nobody else.
    pub(crate) fn client(&self) -> Arc<ClientConfig> {
        install_tls();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap()).unwrap();
        Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
    }

    /// Patient enough for a busy machine.
    pub(crate) fn settings(&self) -> UpstreamSettings {
        UpstreamSettings { connect_timeout: Duration::from_secs(20), ..UpstreamSettings::new(self.client()) }
    }
}

fn install_tls() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// What a peer speaks.
#[derive(Clone, Copy)]
pub(crate) enum Speaks {
    Plain,
    Tls(&'static [&'static str]),
}

pub(crate) const ONE: Speaks = Speaks::Tls(&["http/1.1"]);
pub(crate) const BOTH: Speaks = Speaks::Tls(&["h2", "http/1.1"]);

/// `/echo` streams back what it is sent, `/hash` answers with its length and hash, `/big/N` sends N bytes of
/// [`pattern`] and trailers, `/who` says which protocol was spoken, `/endless` never ends, `/hang` never
/// answers, `/wait` answers `first`, and the rest once it is released.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) identity: Arc<Identity>,
    pub(crate) seen: Arc<Seen>,
    cut: Mutex<CancellationToken>,
    origin: Origin,
    is_https: bool,
    tasks: Tasks,
}

#[derive(Default)]
pub(crate) struct Seen {
    from: Mutex<Vec<IpAddr>>,
    open: AtomicUsize,
    /// Requests whose answer is not over.
    running: AtomicUsize,
    pub(crate) most_running: AtomicUsize,
    /// Bytes handed out by `/endless`.
    pub(crate) streamed: AtomicUsize,
    pub(crate) release: tokio::sync::Notify,
}

impl Seen {
    /// Where connections came from, in order.
    pub(crate) fn from(&self) -> Vec<IpAddr> {
        self.from.lock().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.from.lock().len()
    }

    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }
}

/// Counts while it is there.
struct Running(Arc<Seen>);

impl Running {
    fn start(seen: &Arc<Seen>) -> Self {
        let running = seen.running.fetch_add(1, Ordering::SeqCst) + 1;
        seen.most_running.fetch_max(running, Ordering::SeqCst);
        Self(Arc::clone(seen))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Peer {
    pub(crate) async fn start(speaks: Speaks) -> Arc<Self> {
        Self::start_as(speaks, Arc::new(Identity::new()), 100).await
    }

    pub(crate) async fn start_as(speaks: Speaks, identity: Arc<Identity>, max_streams: u32) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let acceptor = match speaks {
            Speaks::Plain => None,
            Speaks::Tls(protocols) => Some(TlsAcceptor::from(identity.server(protocols))),
        };
        let address = listener.local_addr().unwrap();
        let this = Arc::new(Self {
            origin: Origin::new(acceptor.is_some(), "127.0.0.1", address.port()),
            address,
            identity,
            seen: Arc::default(),
            cut: Mutex::default(),
            is_https: acceptor.is_some(),
            tasks: Tasks::new(),
        });
        let peer = Arc::clone(&this);
        this.tasks.spawn(async move {
            while let Ok((socket, from)) = listener.accept().await {
                socket.set_nodelay(true).unwrap();
                peer.seen.from.lock().push(from.ip());
                let (seen, cut) = (Arc::clone(&peer.seen), peer.cut.lock().clone());
                let acceptor = acceptor.clone();
                seen.open.fetch_add(1, Ordering::SeqCst);
                peer.tasks.spawn(async move {
                    let serving = async {
                        let Some(acceptor) = acceptor else { return serve(socket, false, &seen, 0).await };
                        let Ok(tls) = acceptor.accept(socket).await else { return };
                        let is_h2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
                        serve(tls, is_h2, &seen, max_streams).await;
                    };
                    tokio::select! {
                        () = serving => {}
                        () = cut.cancelled() => {}
                    }
                    seen.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        this
    }

    pub(crate) fn origin(&self) -> Origin {
        self.origin_ref().clone()
    }

    pub(crate) fn origin_ref(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn origin_at(&self, host: &str) -> Origin {
        Origin::new(self.is_https, host, self.address.port())
    }

    pub(crate) fn client(&self) -> UpstreamClient {
        UpstreamClient::new(self.identity.settings())
    }

    /// Drops every connection there is; new ones are served.
    pub(crate) fn cut(&self) {
        std::mem::take(&mut *self.cut.lock()).cancel();
    }
}

async fn serve<S>(stream: S, is_h2: bool, seen: &Arc<Seen>, max_streams: u32)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let seen = Arc::clone(seen);
    let service = service_fn(move |request| answer(request, Arc::clone(&seen)));
    let stream = TokioIo::new(stream);
    // How a connection ends is the client's business.
    let _ = if is_h2 {
        let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        builder.max_concurrent_streams(max_streams).serve_connection(stream, service).await
    } else {
        hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await
    };
}

type Answer = Response<BoxBody<Bytes, hyper::Error>>;

async fn answer(request: Request<Incoming>, seen: Arc<Seen>) -> Result<Answer, Infallible> {
    let running = Running::start(&seen);
    let path = request.uri().path().to_owned();
    let whole = |text: String| Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed();
    let body = match path.split('/').nth(1).unwrap() {
        "echo" => request.into_body().map_frame(move |frame| (frame, &running).0).boxed(),
        "hash" => {
            let length = request.headers().get("content-length").cloned();
            let body = match request.into_body().collect().await {
                Ok(body) => body.to_bytes(),
                Err(error) => return Ok(Response::new(whole(error.to_string()))),
            };
            whole(format!("{} {} {}", length.unwrap().to_str().unwrap(), body.len(), hash(&body)))
        }
        "big" => {
            let size = path.split('/').nth(2).unwrap().parse().unwrap();
            let trailers = HeaderMap::from_iter([("x-end".parse().unwrap(), HeaderValue::from_static("1"))]);
            let mut rest = Bytes::from(pattern(size));
            let mut width = 1;
            let pieces = std::iter::from_fn(move || {
                width = width * 7 % 65_521 + 1;
                (!rest.is_empty()).then(|| Frame::data(rest.split_to(width.min(rest.len()))))
            });
            let frames = pieces.chain([Frame::trailers(trailers)]);
            let frames = frames.map(move |frame| Ok((frame, &running).0));
            BodyExt::boxed(StreamBody::new(futures_util::stream::iter(frames)))
        }
        "endless" => {
            let seen = Arc::clone(&seen);
            let pieces = std::iter::repeat_with(move || {
                let _running = &running;
                seen.streamed.fetch_add(16 << 10, Ordering::SeqCst);
                Ok(Frame::data(Bytes::from(vec![b'x'; 16 << 10])))
            });
            BodyExt::boxed(StreamBody::new(futures_util::stream::iter(pieces)))
        }
        "wait" => {
            let release = Arc::clone(&seen);
            let rest = futures_util::stream::once(async move {
                release.release.notified().await;
                drop(running);
                Ok(Frame::data(Bytes::from_static(b"rest")))
            });
            let first = futures_util::stream::iter([Ok(Frame::data(Bytes::from_static(b"first")))]);
            BodyExt::boxed(StreamBody::new(first.chain(rest)))
        }
        "hang" => std::future::pending().await,
        _ => {
            let host = request.uri().host().map(str::to_owned);
            let host = host.or(request.headers().get("host").map(|host| host.to_str().unwrap().to_owned()));
            whole(format!("{:?} {}", request.version(), host.unwrap_or_default()))
        }
    };
    Ok(Response::new(body))
}

/// So many bytes in which nothing repeats soon.
pub(crate) fn pattern(size: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

pub(crate) fn hash(bytes: &[u8]) -> String {
    format!("{:?}", Sha256::digest(bytes))
}

pub(crate) fn post(path: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    Request::post(path).header("host", "upstream.test").body(body.into()).unwrap()
}

pub(crate) async fn read(mut response: UpstreamResponse) -> Result<Vec<u8>, UpstreamError> {
    let mut all = Vec::new();
    while let Some(piece) = response.body.next().await {
        all.extend_from_slice(&piece?);
    }
    Ok(all)
}
