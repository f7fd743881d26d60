//! The tap: it counts what waits for an answer, and delays, holds and cuts.

use std::time::{Duration, Instant};

use hub_testkit::{Redis, WireTap};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(10);

async fn pongs(stream: &mut TcpStream, count: usize) {
    let mut answer = vec![0; b"+PONG\r\n".len() * count];
    timeout(LONG, stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, b"+PONG\r\n".repeat(count));
}

#[tokio::test]
async fn commands_sent_without_waiting_are_one_round_trip_and_others_one_each() {
    let redis = Redis::start().await.unwrap();
    let tap = WireTap::before(redis.port()).await.unwrap();
    tap.set_delay(Duration::from_millis(100));
    let mut client = TcpStream::connect(tap.address()).await.unwrap();
    let asked = Instant::now();
    for _ in 0..5 {
        client.write_all(b"PING\r\n").await.unwrap();
        tokio::task::yield_now().await;
    }
    pongs(&mut client, 5).await;
    assert!(asked.elapsed() >= Duration::from_millis(100), "{:?}", asked.elapsed());
    assert_eq!(tap.round_trips(), 1);
    tap.set_delay(Duration::ZERO);
    for _ in 0..3 {
        client.write_all(b"PING\r\n").await.unwrap();
        pongs(&mut client, 1).await;
    }
    assert_eq!(tap.round_trips(), 4);
}

#[tokio::test]
async fn held_nothing_passes_and_cut_the_client_sees_the_end_and_may_come_again() {
    let redis = Redis::start().await.unwrap();
    let tap = WireTap::before(redis.port()).await.unwrap();
    let mut client = TcpStream::connect(tap.address()).await.unwrap();
    tap.hold();
    client.write_all(b"PING\r\n").await.unwrap();
    let mut byte = [0];
    assert!(timeout(Duration::from_millis(200), client.read(&mut byte)).await.is_err(), "an answer passed");
    tap.let_go();
    pongs(&mut client, 1).await;

    tap.cut();
    assert!(matches!(timeout(LONG, client.read(&mut byte)).await.unwrap(), Ok(0) | Err(_)));
    let mut client = TcpStream::connect(tap.address()).await.unwrap();
    client.write_all(b"PING\r\n").await.unwrap();
    pongs(&mut client, 1).await;
}
