//! How much of an answer is held before there is content in it, and how much is read when nobody wants it any more.

use std::time::Duration;

use hub_types::MoneyLimits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::world::{ask_for_stream, builder, provider, read_until};

const PATIENCE: Duration = Duration::from_secs(20);
const PING: &[u8] = b"event: ping\ndata: {\"type\":\"ping\"}\n\n";
const DELTA: &[u8] = b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"word \"}}\n\n";

/// Takes one request and answers with the head of a stream.
async fn upstream() -> (String, impl Future<Output = TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let accepting = async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        while !read.ends_with(b"}]}") {
            assert_ne!(socket.read_buf(&mut read).await.unwrap(), 0);
        }
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
        socket.write_all(head).await.unwrap();
        socket
    };
    (url, accepting)
}

#[tokio::test]
async fn sixty_four_events_without_content_are_held_and_no_more() {
    let (url, accepting) = upstream().await;
    let (builder, _records) = builder([provider(&url)], MoneyLimits::default(), |_| {});
    let gateway = builder.build();
    let (say, mut said) = mpsc::channel::<usize>(4);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut socket = accepting.await;
        while let Some(count) = said.recv().await {
            for _ in 0..count {
                socket.write_all(PING).await.unwrap();
            }
        }
    });
    let mut asking = Box::pin(ask_for_stream(&gateway));
    say.send(63).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(300), asking.as_mut()).await;
    assert!(early.is_err(), "63 events are held");
    say.send(1).await.unwrap();
    let mut answer = tokio::time::timeout(PATIENCE, asking).await.expect("64 are enough");
    let all = 64 * PING.len();
    let reading = read_until(answer.body_mut(), |read| read.len() >= all);
    assert_eq!(tokio::time::timeout(PATIENCE, reading).await.unwrap(), PING.repeat(64), "all that was held");
}

#[tokio::test]
async fn an_answer_that_nobody_wants_is_read_for_a_mebibyte_and_no_further() {
    let (url, accepting) = upstream().await;
    let (builder, records) = builder([provider(&url)], MoneyLimits::default(), |_| {});
    let gateway = builder.build();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut socket = accepting.await;
        let mut sent = 0;
        // Until the hub hangs up.
        while socket.write_all(DELTA).await.is_ok() {
            sent += DELTA.len();
        }
        sent
    });
    let mut answer = tokio::time::timeout(PATIENCE, ask_for_stream(&gateway)).await.unwrap();
    let content = read_until(answer.body_mut(), |read| !read.is_empty()).await;
    assert!(content.starts_with(DELTA), "{}", String::from_utf8_lossy(&content));
    drop(answer);
    let sent = tokio::time::timeout(PATIENCE, tasks.join_next()).await.expect("hung up on").unwrap().unwrap();
    // What is in the buffers of the system was sent, too.
    assert!((1 << 20..24 << 20).contains(&sent), "{sent} bytes");
    assert_eq!(gateway.finish(PATIENCE).await, 0);
    let record = records.lock().first().cloned().unwrap();
    let usage = record.attempts[0].usage.unwrap();
    assert!(usage.output > 1000, "what was read counts: {usage:?}");
}
