//! Redis Cluster: it forms, sends clients to the right node, and a node comes back as the member it was.

use hub_testkit::RedisCluster;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

async fn ask(port: u16, command: &str) -> String {
    let mut stream = BufStream::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    stream.write_all(format!("{command}\r\n").as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    line.trim_end().to_owned()
}

#[tokio::test]
async fn every_slot_has_its_node_and_a_node_that_was_stopped_takes_its_place_again() {
    let cluster = RedisCluster::start().await.unwrap();
    let ports = cluster.ports();
    assert_eq!(cluster.url().matches("127.0.0.1:").count(), 3);
    // The key is of slot 12182, which is in the last third.
    assert_eq!(ask(ports[2], "SET foo bar").await, "+OK");
    assert_eq!(ask(ports[0], "GET foo").await, format!("-MOVED 12182 127.0.0.1:{}", ports[2]));

    cluster.stop(2).await.unwrap();
    assert!(TcpStream::connect(("127.0.0.1", ports[2])).await.is_err());
    cluster.start_again(2).await.unwrap();
    assert_eq!(ask(ports[2], "EXISTS foo").await, ":0");

    cluster.move_slot(12182, 0).await.unwrap();
    assert_eq!(ask(ports[2], "GET foo").await, format!("-MOVED 12182 127.0.0.1:{}", ports[0]));
    assert!(cluster.stop(3).await.is_err());
}
