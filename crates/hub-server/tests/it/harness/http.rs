//! A raw HTTP/1.1 client: it knows exactly which bytes arrived, and whether the last one was among them.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Nothing in these tests takes so long without a byte.
const PATIENCE: Duration = Duration::from_secs(60);

/// What has arrived of an answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    /// The body so far, without its framing.
    pub(crate) body: Vec<u8>,
    /// Whether HTTP says that this is all: the announced length, or the last chunk.
    pub(crate) is_whole: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(':'));
        fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The last event of a stream: its name, and its data.
    pub(crate) fn last_event(&self) -> (Option<String>, String) {
        // Gemini ends its lines with CR LF.
        let text = self.text().replace("\r\n", "\n");
        let block = text.split("\n\n").filter(|block| !block.is_empty()).last().unwrap_or_default();
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        (field("event: "), field("data: ").unwrap_or_default())
    }

    /// Reads what is on the wire; `None` if that is not even a head.
    fn read(wire: &[u8]) -> Option<Self> {
        let end = wire.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(wire.get(..end)?).into_owned();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let mut answer = Self { status, head, ..Self::default() };
        let rest = wire.get(end + 4..)?;
        match answer.header("content-length").map(str::parse::<usize>) {
            Some(length) => {
                answer.is_whole = length.is_ok_and(|length| rest.len() == length);
                rest.clone_into(&mut answer.body);
            }
            None => answer.read_chunks(rest),
        }
        Some(answer)
    }

    fn read_chunks(&mut self, mut rest: &[u8]) {
        while let Some(line) = rest.windows(2).position(|window| window == b"\r\n") {
            let size = rest.get(..line).and_then(|digits| std::str::from_utf8(digits).ok());
            let size = usize::from_str_radix(size.unwrap_or_default(), 16).unwrap();
            let data = rest.get(line + 2..).unwrap_or_default();
            if size == 0 {
                self.is_whole = data == b"\r\n";
                return;
            }
            self.body.extend_from_slice(data.get(..size.min(data.len())).unwrap_or_default());
            rest = data.get(size + 2..).unwrap_or_default();
        }
    }
}

/// A connection to the hub, for one request after another.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    wire: Vec<u8>,
    has_ended: bool,
}

impl Connection {
    pub(crate) async fn open(hub: SocketAddr) -> std::io::Result<Self> {
        Ok(Self { stream: TcpStream::connect(hub).await?, wire: Vec::new(), has_ended: false })
    }

    /// Sends a request; `headers` end with CR LF each.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> std::io::Result<()> {
        self.wire.clear();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: hub\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n{headers}\r\n{body}"
        );
        self.stream.write_all(request.as_bytes()).await
    }

    /// Reads until `enough`, the answer's end or the connection's end. `None`: not even a head came.
    pub(crate) async fn read_until(&mut self, enough: impl Fn(&Answer) -> bool) -> Option<Answer> {
        loop {
            let answer = Answer::read(&self.wire);
            if self.has_ended || answer.as_ref().is_some_and(|answer| answer.is_whole || enough(answer)) {
                return answer;
            }
            let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.wire)).await;
            self.has_ended = !matches!(read.expect("the hub fell silent"), Ok(1..));
        }
    }

    /// Reads to the answer's end, or as far as it comes.
    pub(crate) async fn read(&mut self) -> Option<Answer> {
        self.read_until(|_| false).await
    }

    /// What has been read of the answer until now.
    pub(crate) fn so_far(&self) -> Option<Answer> {
        Answer::read(&self.wire)
    }

    /// Whether another request can be sent: neither side has closed it.
    pub(crate) fn is_open(&self) -> bool {
        let unasked = self.stream.try_read(&mut [0]);
        !self.has_ended && unasked.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }
}
