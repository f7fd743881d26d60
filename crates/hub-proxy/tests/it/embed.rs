//! The example `embed` in a process of its own, in front of a simulated provider.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use hub_lab::{Lab, LabConfig};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;

const PATIENCE: Duration = Duration::from_secs(20);

/// Cargo puts examples beside the directory of the test binaries.
fn example() -> PathBuf {
    let binary = std::env::current_exe().unwrap();
    let path = binary.parent().and_then(|deps| deps.parent()).unwrap().join("examples/embed");
    assert!(path.exists(), "{} is not built: cargo build -p hub-proxy --examples", path.display());
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_serves_with_the_key_it_prints_and_prints_the_record() {
    let lab = Lab::start(LabConfig::default()).await.unwrap();
    let mut child = Command::new(example())
        .args([lab.url().as_str(), "sk-vendor"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let talk = async {
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next_line().await.unwrap().unwrap();
        let (address, key) =
            first.strip_prefix("listening http://").unwrap().split_once(" key ").expect("address and key");
        let body = r#"{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[]}"#;
        let request = format!(
            "POST /v1/messages HTTP/1.1\r\nhost: hub\r\nx-api-key: {key}\r\nx-lab: input=1000; output=100\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.contains(r#""type":"message""#), "{answer}");
        assert!(!answer.contains("sk-vendor"), "{answer}");
        lines.next_line().await.unwrap().unwrap()
    };
    let record = tokio::time::timeout(PATIENCE, talk).await.expect("the example answers in time");
    // 1000 × 3 USD and 100 × 15 USD for a million.
    assert!(record.starts_with("200 "), "{record}");
    assert!(record.contains("input: 1000, output: 100") && record.contains("4500000"), "{record}");
    let [entry] = lab.witness().entries().try_into().unwrap();
    assert_eq!(entry.header("x-api-key"), Some("sk-vendor"));
    child.kill().await.unwrap();
}
