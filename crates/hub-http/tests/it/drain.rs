//! The end of a server.

use std::time::Duration;

use tokio::net::TcpStream;

use hub_http::{BodyLimits, ServerSettings};

use crate::client::Client;
use crate::fixture::{Paths, eventually, serve};

#[tokio::test]
async fn draining_closes_idle_connections_and_finishes_running_requests() {
    let paths = Paths::new(BodyLimits::default());
    let server = serve(ServerSettings::default(), &paths).await;
    let address = server.address();
    let mut idle = Client::connect(address).await;
    idle.send("GET /any HTTP/1.1\r\nhost: h\r\n\r\n").await;
    idle.read_until("\r\n\r\nfine").await;
    let mut running = Client::connect(address).await;
    running.send("GET /wait HTTP/1.1\r\nhost: h\r\n\r\n").await;
    eventually("the request runs", || paths.calls() == 2).await;
    let drain = server.drain(Duration::from_secs(5));
    let story = async {
        assert_eq!(idle.read_to_end().await, "");
        assert!(TcpStream::connect(address).await.is_err(), "nobody else is let in");
        paths.release();
        let answer = running.read_to_end().await;
        assert!(answer.ends_with("\r\n\r\nreleased"), "{answer}");
    };
    let (drained, ()) = tokio::join!(drain, story);
    assert_eq!(drained.cut, 0);
}

#[tokio::test]
async fn a_drain_that_runs_out_of_patience_says_how_many_are_left() {
    let paths = Paths::new(BodyLimits::default());
    let server = serve(ServerSettings::default(), &paths).await;
    let mut running = Client::connect(server.address()).await;
    running.send("GET /wait HTTP/1.1\r\nhost: h\r\n\r\n").await;
    eventually("the request runs", || paths.calls() == 1).await;
    assert_eq!(server.drain(Duration::from_millis(50)).await.cut, 1);
    paths.release();
    running.read_to_end().await;
    assert_eq!(server.drain(Duration::from_secs(5)).await.cut, 0);
}
