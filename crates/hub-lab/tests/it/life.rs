//! Dying, coming back, keeping connections.

use std::time::Duration;

use hub_lab::{Lab, LabConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::post;

const REQUEST: &str = "POST /v1/messages HTTP/1.1\r\nhost: lab\r\nx-lab: chunks=100000;chunk_ms=5\r\n\
    content-length: 27\r\n\r\n{\"model\":\"m\",\"stream\":true}";

async fn streaming(lab: &Lab) -> TcpStream {
    let mut stream = TcpStream::connect(lab.addr()).await.unwrap();
    stream.write_all(REQUEST.as_bytes()).await.unwrap();
    stream.read_u8().await.unwrap();
    stream
}

async fn end_of(mut stream: TcpStream) -> std::io::Result<usize> {
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await.unwrap()
}

#[tokio::test]
async fn a_dead_lab_resets_and_refuses_and_comes_back_on_its_port() {
    let lab = Lab::start(LabConfig::default()).await.unwrap();
    let open = streaming(&lab).await;
    lab.die().await;
    assert!(end_of(open).await.is_err(), "the open stream is reset");
    let refused = TcpStream::connect(lab.addr()).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    lab.revive().await.unwrap();
    assert_eq!(post(&lab, "/v1/messages", "", r#"{"model":"m"}"#).await.status, 200);
    lab.stop().await;
}

#[tokio::test]
async fn refusing_leaves_open_connections_alone_and_closing_ends_them() {
    let lab = Lab::start(LabConfig::default()).await.unwrap();
    let mut open = streaming(&lab).await;
    lab.refuse_connections().await;
    assert!(TcpStream::connect(lab.addr()).await.is_err());
    open.read_u8().await.unwrap();
    lab.close_connections();
    assert!(end_of(open).await.is_ok(), "closed, not reset");
    lab.stop().await;
}

#[tokio::test]
async fn connections_are_kept_alive() {
    let lab = Lab::start(LabConfig::default()).await.unwrap();
    let mut stream = TcpStream::connect(lab.addr()).await.unwrap();
    for _ in 0..3 {
        let request = "POST /v1/messages/count_tokens HTTP/1.1\r\nhost: lab\r\ncontent-length: 2\r\n\r\n{}";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"{\"input_tokens\":120}") {
            assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0);
        }
    }
    lab.stop().await;
}

#[tokio::test]
async fn stopping_ends_every_connection() {
    let lab = Lab::start(LabConfig::default()).await.unwrap();
    let open = streaming(&lab).await;
    let addr = lab.addr();
    tokio::time::timeout(Duration::from_secs(10), lab.stop()).await.unwrap();
    assert!(end_of(open).await.is_ok());
    assert!(TcpStream::connect(addr).await.is_err());
}
