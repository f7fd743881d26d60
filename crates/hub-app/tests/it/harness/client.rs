//! A small HTTP/1.1 client that shows the bytes as they came. One connection for each request.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::find;

/// Nothing in these tests takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request in the making.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    method: &'static str,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &'static str, target: impl Into<String>) -> Self {
        Self { method, target: target.into(), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    pub(crate) fn post(target: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        let request = Self { body: body.into(), ..Self::new("POST", target) };
        request.header("content-type", "application/json")
    }

    #[must_use]
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    #[must_use]
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The hub key, in the place that most clients use.
    #[must_use]
    pub(crate) fn key(self, key: &str) -> Self {
        self.header("authorization", format!("Bearer {key}"))
    }

    /// What the lab is to do.
    #[must_use]
    pub(crate) fn lab(self, script: &str) -> Self {
        self.header("x-lab", script)
    }

    /// By what the lab's witness finds the request again.
    #[must_use]
    pub(crate) fn lab_id(self, id: &str) -> Self {
        self.header("x-lab-id", id)
    }

    fn head(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: hub.test\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        if !self.body.is_empty() {
            write!(head, "content-length: {}\r\n", self.body.len()).unwrap();
        }
        head.push_str("connection: close\r\n\r\n");
        head.into_bytes()
    }

    /// Sends it and reads the answer to its end.
    pub(crate) async fn send(&self, to: SocketAddr) -> Reply {
        let exchange = async {
            let (mut from, mut into) = TcpStream::connect(to).await.unwrap().into_split();
            let writing = async {
                // The hub may answer and hang up before it has read everything.
                if into.write_all(&self.head()).await.is_ok() {
                    let _ = into.write_all(&self.body).await;
                }
                into
            };
            let reading = async {
                let mut raw = Vec::new();
                // A connection that is cut shows as an answer that is not whole.
                let _ = from.read_to_end(&mut raw).await;
                raw
            };
            let (raw, _into) = tokio::join!(reading, writing);
            Reply::parse(&raw, self.method == "HEAD")
        };
        tokio::time::timeout(PATIENCE, exchange).await.expect("the hub answers in time")
    }

    /// Sends it, and hangs up when so much has happened elsewhere, before there is an answer.
    pub(crate) async fn send_and_leave_when(&self, to: SocketAddr, enough: impl Future<Output = ()>) {
        let exchange = async {
            let mut socket = TcpStream::connect(to).await.unwrap();
            socket.write_all(&self.head()).await.unwrap();
            socket.write_all(&self.body).await.unwrap();
            enough.await;
        };
        tokio::time::timeout(PATIENCE, exchange).await.expect("it happens in time");
    }

    /// Sends it, reads until `mark` has come, and hangs up.
    pub(crate) async fn send_and_leave_after(&self, to: SocketAddr, mark: &[u8]) -> Reply {
        let exchange = async {
            let mut socket = TcpStream::connect(to).await.unwrap();
            socket.write_all(&self.head()).await.unwrap();
            socket.write_all(&self.body).await.unwrap();
            let mut raw = Vec::new();
            while find(&raw, mark).is_none() {
                assert!(socket.read_buf(&mut raw).await.unwrap() > 0, "the answer ended before the mark");
            }
            Reply::parse(&raw, false)
        };
        tokio::time::timeout(PATIENCE, exchange).await.expect("the hub answers in time")
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Did the framing say that this is all?
    pub(crate) is_whole: bool,
    /// Head and body as they came, for looking for what must not be there.
    pub(crate) raw: Vec<u8>,
}

impl Reply {
    fn parse(raw: &[u8], is_bodyless: bool) -> Self {
        let end = find(raw, b"\r\n\r\n").unwrap_or_else(|| {
            panic!("no head in {:?}", String::from_utf8_lossy(&raw[..raw.len().min(200)]))
        });
        let head = std::str::from_utf8(&raw[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: HeaderMap = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| {
                (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value.trim()).unwrap())
            })
            .collect();
        let rest = &raw[end + 4..];
        let (body, is_whole) = if headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked") {
            unchunk(rest)
        } else if is_bodyless {
            (rest.to_vec(), rest.is_empty())
        } else if let Some(length) = headers.get("content-length") {
            (rest.to_vec(), length.to_str().unwrap().parse() == Ok(rest.len()))
        } else {
            (rest.to_vec(), true)
        };
        Self { status, headers, body, is_whole, raw: raw.to_vec() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The id that the hub gave the request.
    pub(crate) fn id(&self) -> &str {
        self.header("x-request-id").expect("every answer names its request")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

fn unchunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::with_capacity(rest.len());
    loop {
        let Some(line) = find(&rest[..rest.len().min(40)], b"\r\n") else { return (body, false) };
        let size = std::str::from_utf8(&rest[..line]).unwrap();
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        rest = &rest[line + 2..];
        if size == 0 {
            return (body, rest == b"\r\n");
        }
        if rest.len() < size + 2 {
            body.extend_from_slice(&rest[..rest.len().min(size)]);
            return (body, false);
        }
        body.extend_from_slice(&rest[..size]);
        rest = &rest[size + 2..];
    }
}
