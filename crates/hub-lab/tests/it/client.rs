//! A plain HTTP/1.1 caller that shows exactly what came over the wire.

use std::net::SocketAddr;

use hub_lab::Lab;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The head, lower-case.
    pub(crate) head: String,
    /// The body without its framing.
    pub(crate) body: Vec<u8>,
    /// Whether HTTP says that the body is whole.
    pub(crate) whole: bool,
    /// Whether the connection ended with a reset.
    pub(crate) reset: bool,
    /// How the body arrived: the sizes of its HTTP chunks.
    pub(crate) chunks: Vec<usize>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The data of each server-sent event, with its name.
    pub(crate) fn events(&self) -> Vec<(Option<String>, String)> {
        let text = self.text().replace("\r\n", "\n");
        let mut events = Vec::new();
        for block in text.split("\n\n").filter(|block| !block.is_empty()) {
            let field =
                |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            events.push((field("event: "), field("data: ").unwrap_or_default()));
        }
        events
    }

    /// The data of each server-sent event that is JSON.
    pub(crate) fn data(&self) -> Vec<Value> {
        self.events().iter().filter_map(|(_, data)| serde_json::from_str(data).ok()).collect()
    }
}

/// Posts a body; `script` becomes the `x-lab` header.
pub(crate) async fn post(lab: &Lab, path: &str, script: &str, body: &str) -> Answer {
    let headers = if script.is_empty() { String::new() } else { format!("x-lab: {script}\r\n") };
    send(lab.addr(), "POST", path, &headers, body.as_bytes()).await
}

pub(crate) async fn send(addr: SocketAddr, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: lab\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut wire = Vec::new();
    let mut reset = false;
    loop {
        match stream.read_buf(&mut wire).await {
            Ok(0) => break,
            Ok(_) => {}
            Err(_) => {
                reset = true;
                break;
            }
        }
    }
    read(&wire, reset)
}

fn read(wire: &[u8], reset: bool) -> Answer {
    let Some(end) = wire.windows(4).position(|window| window == b"\r\n\r\n") else {
        assert!(wire.is_empty(), "half a head: {:?}", String::from_utf8_lossy(wire));
        return Answer { status: 0, head: String::new(), body: vec![], whole: false, reset, chunks: vec![] };
    };
    let head = String::from_utf8(wire[..end].to_vec()).unwrap().to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let rest = &wire[end + 4..];
    if let Some(length) = head.lines().find_map(|line| line.strip_prefix("content-length: ")) {
        let length: usize = length.trim().parse().unwrap();
        return Answer {
            status,
            body: rest.to_vec(),
            whole: rest.len() == length,
            reset,
            chunks: vec![],
            head,
        };
    }
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    let (mut body, mut chunks, mut whole, mut rest) = (Vec::new(), Vec::new(), false, rest);
    while let Some(line) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        if size == 0 {
            whole = true;
            break;
        }
        body.extend_from_slice(&rest[line + 2..line + 2 + size]);
        chunks.push(size);
        rest = &rest[line + 2 + size + 2..];
    }
    Answer { status, head, body, whole, reset, chunks }
}
