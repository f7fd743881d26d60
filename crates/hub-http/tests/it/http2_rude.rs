//! HTTP/2 upstreams that refuse, say goodbye, reset or fall silent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::server::{Connection, SendResponse};
use h2::{Reason, RecvStream};
use http::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use hub_http::{Origin, Tasks, UpstreamClient, UpstreamError, UpstreamResponse, UpstreamSettings};

use crate::fixture::eventually;
use crate::peer::{Identity, post, read};

type Socket = TlsStream<TcpStream>;

/// Accepts TLS connections and does with each what it is told, by the connection's number.
struct Rude {
    address: SocketAddr,
    identity: Identity,
    connections: Arc<AtomicUsize>,
    _tasks: Tasks,
}

impl Rude {
    async fn start<F, Fut>(behave: F) -> Self
    where
        F: Fn(usize, Socket) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, identity) = (listener.local_addr().unwrap(), Identity::new());
        let acceptor = TlsAcceptor::from(identity.server(&["h2"]));
        let (connections, tasks) = (Arc::new(AtomicUsize::new(0)), Tasks::new());
        let (count, inner) = (Arc::clone(&connections), tasks.clone());
        tasks.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let number = count.fetch_add(1, Ordering::SeqCst);
                inner.spawn(behave(number, acceptor.accept(socket).await.unwrap()));
            }
        });
        Self { address, identity, connections, _tasks: tasks }
    }

    fn client(&self) -> UpstreamClient {
        UpstreamClient::new(self.identity.settings())
    }

    fn origin(&self) -> Origin {
        Origin::new(true, "127.0.0.1", self.address.port())
    }

    async fn ask(&self, client: &UpstreamClient) -> Result<UpstreamResponse, UpstreamError> {
        client.send(&self.origin(), post("/any", "body")).await
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

type Exchange = (Request<RecvStream>, SendResponse<Bytes>);

async fn next(connection: &mut Connection<Socket, Bytes>) -> Option<Exchange> {
    connection.accept().await?.ok()
}

async fn hello(socket: Socket) -> Connection<Socket, Bytes> {
    h2::server::handshake(socket).await.unwrap()
}

fn good((_, mut respond): Exchange) {
    let mut body = respond.send_response(Response::new(()), false).unwrap();
    body.send_data(Bytes::from_static(b"good"), true).unwrap();
}

async fn serve_well(mut connection: Connection<Socket, Bytes>) {
    while let Some(exchange) = next(&mut connection).await {
        good(exchange);
    }
}

#[tokio::test]
async fn a_request_that_was_refused_is_sent_once_more() {
    let server = Rude::start(|number, socket| async move {
        let mut connection = hello(socket).await;
        if number == 0 {
            let (_, mut respond) = next(&mut connection).await.unwrap();
            respond.send_reset(Reason::REFUSED_STREAM);
        }
        serve_well(connection).await;
    })
    .await;
    let client = server.client();
    assert_eq!(read(server.ask(&client).await.unwrap()).await.unwrap(), b"good");
    assert_eq!(server.connections(), 2);
    // One that refuses for ever is asked twice.
    let server = Rude::start(|_, socket| async move {
        let mut connection = hello(socket).await;
        while let Some((_, mut respond)) = next(&mut connection).await {
            respond.send_reset(Reason::REFUSED_STREAM);
        }
    })
    .await;
    let error = server.ask(&server.client()).await.err().unwrap();
    assert!(matches!(error, UpstreamError::ClosedBeforeAnswer), "{error:?}");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn after_a_farewell_running_streams_end_well_and_new_ones_go_elsewhere() {
    let server = Rude::start(|number, socket| async move {
        let mut connection = hello(socket).await;
        if number > 0 {
            return serve_well(connection).await;
        }
        let (_, mut respond) = next(&mut connection).await.unwrap();
        let mut body = respond.send_response(Response::new(()), false).unwrap();
        body.send_data(Bytes::from_static(b"first "), false).unwrap();
        connection.graceful_shutdown();
        let finish = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            body.send_data(Bytes::from_static(b"last"), true).unwrap();
        };
        let ((), rest) = tokio::join!(finish, next(&mut connection));
        assert!(rest.is_none(), "nothing new comes");
    })
    .await;
    let client = server.client();
    let mut running = server.ask(&client).await.unwrap();
    assert_eq!(running.body.next().await.unwrap().unwrap(), "first ");
    // The farewell comes in its own time; by whichever connection, this one is answered.
    let start = Instant::now();
    while server.connections() == 1 {
        assert!(start.elapsed() < Duration::from_millis(250), "the farewell is not heeded");
        let asked = tokio::time::timeout(Duration::from_millis(20), server.ask(&client)).await;
        if let Ok(answered) = asked {
            assert_eq!(read(answered.unwrap()).await.unwrap(), b"good");
        }
    }
    assert_eq!(read(running).await.unwrap(), b"last");
    assert_eq!(read(server.ask(&client).await.unwrap()).await.unwrap(), b"good");
}

#[tokio::test]
async fn a_request_that_a_farewell_leaves_out_is_sent_once_more() {
    // Settings, and after the request a GOAWAY that names no stream as looked at.
    let server = Rude::start(|number, mut socket| async move {
        if number > 0 {
            return serve_well(hello(socket).await).await;
        }
        socket.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
        socket.flush().await.unwrap();
        let mut read = Vec::new();
        while !read.windows(4).any(|bytes| bytes == b"body") {
            assert!(socket.read_buf(&mut read).await.unwrap() > 0);
        }
        socket.write_all(&[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).await.unwrap();
        socket.flush().await.unwrap();
        let _ = socket.read_to_end(&mut read).await;
    })
    .await;
    assert_eq!(read(server.ask(&server.client()).await.unwrap()).await.unwrap(), b"good");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_reset_is_a_failure_of_its_own_stream_only() {
    let server = Rude::start(|_, socket| async move {
        let mut connection = hello(socket).await;
        let (_, mut before) = next(&mut connection).await.unwrap();
        before.send_reset(Reason::INTERNAL_ERROR);
        let (_, mut respond) = next(&mut connection).await.unwrap();
        let mut body = respond.send_response(Response::new(()), false).unwrap();
        body.send_data(Bytes::from_static(b"part"), false).unwrap();
        good(next(&mut connection).await.unwrap());
        body.send_reset(Reason::INTERNAL_ERROR);
        serve_well(connection).await;
    })
    .await;
    let client = server.client();
    let error = server.ask(&client).await.err().unwrap();
    assert!(matches!(error, UpstreamError::ClosedBeforeAnswer), "{error:?}");
    let mut reset = server.ask(&client).await.unwrap();
    assert_eq!(reset.body.next().await.unwrap().unwrap(), "part");
    assert_eq!(read(server.ask(&client).await.unwrap()).await.unwrap(), b"good");
    assert!(matches!(reset.body.next().await, Some(Err(UpstreamError::Broken))));
    assert!(reset.body.next().await.is_none());
    assert_eq!(read(server.ask(&client).await.unwrap()).await.unwrap(), b"good");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn an_answer_of_another_length_than_announced_is_no_answer() {
    for (announced, sent) in [(9, "part"), (2, "surplus")] {
        let server = Rude::start(move |_, socket| async move {
            let mut connection = hello(socket).await;
            let (_, mut respond) = next(&mut connection).await.unwrap();
            let head = Response::builder().header("content-length", announced).body(()).unwrap();
            let mut body = respond.send_response(head, false).unwrap();
            body.send_data(Bytes::from_static(sent.as_bytes()), true).unwrap();
            while next(&mut connection).await.is_some() {}
        })
        .await;
        let error = read(server.ask(&server.client()).await.unwrap()).await.err().unwrap();
        assert!(matches!(error, UpstreamError::Broken), "{error:?}");
    }
}

#[tokio::test]
async fn an_upstream_may_answer_before_it_has_read_the_request_and_want_no_more() {
    let server = Rude::start(|_, socket| async move {
        let mut connection = hello(socket).await;
        while let Some((request, mut respond)) = next(&mut connection).await {
            let head = Response::builder().status(413).body(()).unwrap();
            let mut body = respond.send_response(head, false).unwrap();
            body.send_data(Bytes::from_static(b"too big"), true).unwrap();
            // Given up unread, it is reset without an error once the answer is through.
            drop(request);
        }
    })
    .await;
    let client = server.client();
    for _ in 0..3 {
        let big = Bytes::from(vec![b'x'; 4 << 20]);
        let response = client.send(&server.origin(), post("/any", big)).await.unwrap();
        assert_eq!(response.head.status, 413);
        assert_eq!(read(response).await.unwrap(), b"too big");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_head_without_end_is_not_collected() {
    static SENT: AtomicUsize = AtomicUsize::new(0);
    static ENDED: AtomicUsize = AtomicUsize::new(0);
    // Settings, the beginning of a head, and continuations of it for as long as anybody listens.
    let server = Rude::start(|_, mut socket| async move {
        let frame = |kind: u8, payload: &[u8]| {
            let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
            [&length[1..], &[kind, 0, 0, 0, 0, 1], payload].concat()
        };
        // A new name and a value of 15 KiB, neither kept in the table.
        let field = [&[0, 1, b'x', 0x7f, 0x81, 0x77][..], &[b'y'; 15 << 10]].concat();
        socket.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
        socket.write_all(&frame(1, &[0x88])).await.unwrap();
        while socket.write_all(&frame(9, &field)).await.is_ok() {
            SENT.fetch_add(field.len(), Ordering::SeqCst);
        }
        ENDED.fetch_add(1, Ordering::SeqCst);
    })
    .await;
    let error = server.ask(&server.client()).await.err().unwrap();
    assert!(matches!(error, UpstreamError::Malformed | UpstreamError::ClosedBeforeAnswer), "{error:?}");
    eventually("the upstream is cut off", || ENDED.load(Ordering::SeqCst) == 1).await;
    let sent = SENT.load(Ordering::SeqCst);
    assert!(sent < 16 << 20, "{sent} bytes of a head");
}

#[tokio::test]
async fn a_head_that_is_too_big_fails_its_stream() {
    let server = Rude::start(|_, socket| async move {
        let mut connection = hello(socket).await;
        let (_, mut respond) = next(&mut connection).await.unwrap();
        let head = Response::builder().header("x", "y".repeat(100 << 10)).body(()).unwrap();
        let _ = respond.send_response(head, true);
        serve_well(connection).await;
    })
    .await;
    let error = server.ask(&server.client()).await.err().unwrap();
    assert!(matches!(error, UpstreamError::Malformed), "{error:?}");
}

#[tokio::test]
async fn what_is_not_http2_is_malformed() {
    let server = Rude::start(|_, mut socket| async move {
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        let _ = socket.flush().await;
        let _ = socket.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let error = server.ask(&server.client()).await.err().unwrap();
    assert!(matches!(error, UpstreamError::Malformed), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_died_without_a_word_is_found_out_by_a_ping() {
    let server = Rude::start(|number, socket| async move {
        let mut connection = hello(socket).await;
        if number > 0 {
            return serve_well(connection).await;
        }
        let exchange = next(&mut connection).await;
        // Nothing is read or written any more, and nothing closed.
        std::future::pending::<()>().await;
        drop((exchange, connection));
    })
    .await;
    let client = UpstreamClient::new(UpstreamSettings {
        http2_ping_after: Duration::from_millis(500),
        ..server.identity.settings()
    });
    let start = Instant::now();
    let error = server.ask(&client).await.err().unwrap();
    assert!(matches!(error, UpstreamError::ClosedBeforeAnswer), "{error:?}");
    assert!((950..1500).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    assert_eq!(read(server.ask(&client).await.unwrap()).await.unwrap(), b"good");
}

#[tokio::test]
async fn while_a_ping_is_late_new_requests_go_elsewhere() {
    let server = Rude::start(|number, mut socket| async move {
        if number > 0 {
            return serve_well(hello(socket).await).await;
        }
        // Takes everything, says its settings and then nothing.
        socket.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
        socket.flush().await.unwrap();
        let _ = socket.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let client = UpstreamClient::new(UpstreamSettings {
        http2_ping_after: Duration::from_secs(1),
        ..server.identity.settings()
    });
    let waiting = server.ask(&client);
    let others = async {
        tokio::time::sleep(Duration::from_millis(1400)).await;
        let answered = tokio::time::timeout(Duration::from_millis(400), server.ask(&client)).await;
        assert_eq!(read(answered.unwrap().unwrap()).await.unwrap(), b"good");
    };
    let (waited, ()) = tokio::join!(waiting, others);
    assert!(matches!(waited.err().unwrap(), UpstreamError::ClosedBeforeAnswer));
}
