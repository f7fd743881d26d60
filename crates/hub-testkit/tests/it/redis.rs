//! Redis: it answers, refuses while stopped, comes back empty, and answers late when it was frozen.

use std::io;
use std::time::Duration;

use hub_testkit::Redis;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use tokio::time::timeout;

struct Client(BufStream<TcpStream>);

impl Client {
    async fn connect(redis: &Redis) -> io::Result<Self> {
        TcpStream::connect(("127.0.0.1", redis.port())).await.map(|stream| Self(BufStream::new(stream)))
    }

    async fn send(&mut self, command: &str) {
        self.0.write_all(format!("{command}\r\n").as_bytes()).await.unwrap();
        self.0.flush().await.unwrap();
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    async fn ask(&mut self, command: &str) -> String {
        self.send(command).await;
        self.line().await
    }
}

#[tokio::test]
async fn stopped_it_refuses_and_started_again_it_is_empty() {
    let redis = Redis::start().await.unwrap();
    assert_eq!(Client::connect(&redis).await.unwrap().ask("SET key value").await, "+OK");
    redis.stop().await.unwrap();
    assert!(Client::connect(&redis).await.is_err());
    redis.start_again().await.unwrap();
    assert_eq!(Client::connect(&redis).await.unwrap().ask("EXISTS key").await, ":0");
}

#[tokio::test]
async fn frozen_it_answers_nothing_and_thawed_it_catches_up() {
    let redis = Redis::start().await.unwrap();
    let mut client = Client::connect(&redis).await.unwrap();
    assert_eq!(client.ask("INCR counter").await, ":1");
    redis.freeze().unwrap();
    client.send("INCR counter").await;
    assert!(timeout(Duration::from_millis(200), client.line()).await.is_err(), "a frozen server answered");
    redis.thaw().unwrap();
    assert_eq!(timeout(Duration::from_secs(10), client.line()).await.unwrap(), ":2");
}

#[tokio::test]
async fn starting_what_runs_is_an_error_and_stopping_twice_is_none() {
    let redis = Redis::start().await.unwrap();
    assert!(redis.start_again().await.is_err());
    redis.stop().await.unwrap();
    redis.stop().await.unwrap();
    assert!(redis.freeze().is_err());
}
