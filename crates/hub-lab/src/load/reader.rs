//! Reads one HTTP/1.1 answer as its bytes arrive, keeping none of them.

use anyhow::{Context as _, bail, ensure};

/// Longest head, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// An answer being read.
#[derive(Debug, Default)]
pub(super) struct Reader {
    state: State,
    pub(super) status: u16,
    /// The peer closes the connection after this answer.
    pub(super) close: bool,
    events: Events,
    /// The start of a line that the next bytes complete.
    held: Vec<u8>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Head,
    /// Bytes left of a body of known length.
    Length(u64),
    ChunkSize,
    /// Bytes left of a chunk.
    Chunk(u64),
    ChunkEnd,
    Trailers,
    UntilClose,
    Done,
}

impl Reader {
    /// True once the answer is complete.
    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// True if the end of the connection completes the answer.
    pub(super) fn ends_with_connection(&self) -> bool {
        self.state == State::UntilClose
    }

    /// Server-sent events seen in the body.
    pub(super) fn events(&self) -> u64 {
        self.events.count
    }

    /// Takes bytes from the front of `input`, until it is empty or the answer complete.
    pub(super) fn read(&mut self, mut input: &[u8]) -> anyhow::Result<()> {
        while !input.is_empty() {
            input = match self.state {
                State::Head => self.head(input)?,
                State::Length(left) => self.body(input, left, State::Length, State::Done),
                State::Chunk(left) => self.body(input, left, State::Chunk, State::ChunkEnd),
                State::UntilClose => self.body(input, u64::MAX, |_| State::UntilClose, State::Done),
                State::ChunkSize | State::ChunkEnd | State::Trailers => self.line(input)?,
                State::Done => bail!("bytes after the answer's end"),
            };
        }
        Ok(())
    }

    fn body<'a>(&mut self, input: &'a [u8], left: u64, more: fn(u64) -> State, then: State) -> &'a [u8] {
        let take = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let (body, rest) = input.split_at(take);
        self.events.see(body);
        let left = left - take as u64;
        self.state = if left == 0 { then } else { more(left) };
        rest
    }

    fn head<'a>(&mut self, input: &'a [u8]) -> anyhow::Result<&'a [u8]> {
        // The usual case is a head in one piece, read where it lies.
        let before = self.held.len();
        if before > 0 {
            self.held.extend_from_slice(input);
        }
        let held = std::mem::take(&mut self.held);
        let bytes = if before > 0 { &held[..] } else { input };
        let mut headers = [httparse::EMPTY_HEADER; 128];
        let mut response = httparse::Response::new(&mut headers);
        match response.parse(bytes).context("unreadable head")? {
            httparse::Status::Partial => {
                ensure!(bytes.len() <= MAX_HEAD, "the head is too long");
                self.held = bytes.to_vec();
                Ok(&[])
            }
            httparse::Status::Complete(end) => {
                self.begin(&response)?;
                Ok(input.get(end - before..).unwrap_or_default())
            }
        }
    }

    fn begin(&mut self, response: &httparse::Response<'_, '_>) -> anyhow::Result<()> {
        self.status = response.code.unwrap_or(0);
        self.close = response.version == Some(0);
        self.state = State::UntilClose;
        for header in response.headers.iter() {
            let value = std::str::from_utf8(header.value).unwrap_or_default();
            if header.name.eq_ignore_ascii_case("content-length") {
                let length = value.trim().parse().context("unreadable content-length")?;
                self.state = if length == 0 { State::Done } else { State::Length(length) };
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                ensure!(value.eq_ignore_ascii_case("chunked"), "unknown transfer-encoding");
                self.state = State::ChunkSize;
            } else if header.name.eq_ignore_ascii_case("connection") {
                self.close = value.eq_ignore_ascii_case("close");
            }
        }
        match self.status {
            // An interim answer: the real one follows.
            100..=199 => self.state = State::Head,
            204 | 304 => self.state = State::Done,
            _ => {}
        }
        Ok(())
    }

    fn line<'a>(&mut self, input: &'a [u8]) -> anyhow::Result<&'a [u8]> {
        let Some(end) = memchr::memchr(b'\n', input) else {
            ensure!(self.held.len() + input.len() <= MAX_HEAD, "a line is too long");
            self.held.extend_from_slice(input);
            return Ok(&[]);
        };
        let (line, rest) = input.split_at(end + 1);
        let held = std::mem::take(&mut self.held);
        let joined;
        let line = if held.is_empty() {
            line
        } else {
            joined = [&held, line].concat();
            &joined[..]
        };
        let line = line.trim_ascii();
        self.state = match self.state {
            State::ChunkSize => {
                let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
                let digits = std::str::from_utf8(digits.trim_ascii()).context("unreadable chunk size")?;
                match u64::from_str_radix(digits, 16).context("unreadable chunk size")? {
                    0 => State::Trailers,
                    size => State::Chunk(size),
                }
            }
            State::ChunkEnd => {
                ensure!(line.is_empty(), "a chunk is longer than it said");
                State::ChunkSize
            }
            _ if line.is_empty() => State::Done,
            state => state,
        };
        Ok(rest)
    }
}

/// Counts server-sent events: runs of lines that end with an empty one.
#[derive(Debug, Default)]
struct Events {
    count: u64,
    /// The current line holds something.
    in_line: bool,
    /// The current event has a line.
    in_event: bool,
}

impl Events {
    fn see(&mut self, bytes: &[u8]) {
        let mut from = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            let line = bytes.get(from..end).unwrap_or_default();
            if self.in_line || !matches!(line, b"" | b"\r") {
                self.in_event = true;
            } else if std::mem::take(&mut self.in_event) {
                self.count += 1;
            }
            self.in_line = false;
            from = end + 1;
        }
        let rest = bytes.get(from..).unwrap_or_default();
        self.in_line |= !matches!(rest, b"" | b"\r");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three events, cut by HTTP chunks in awkward places; chunk extensions and trailers too.
    fn chunked() -> Vec<u8> {
        let mut wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for piece in ["event: a\r\ndata: 1\r\n\r", "\n", "data:", " 2\n\n\n", ": 3\r\n", "\r\n"] {
            wire.extend_from_slice(format!("{:X};x=y\r\n{piece}\r\n", piece.len()).as_bytes());
        }
        wire.extend_from_slice(b"0\r\nt: u\r\n\r\n");
        wire
    }

    #[test]
    fn any_cutting_gives_the_same_result() {
        let wire = chunked();
        for size in 1..=wire.len() {
            let mut reader = Reader::default();
            for (index, piece) in wire.chunks(size).enumerate() {
                assert!(!reader.is_done(), "piece {index} of {size}");
                reader.read(piece).unwrap();
            }
            assert!(reader.is_done());
            assert_eq!((reader.status, reader.events()), (200, 3), "pieces of {size}");
        }
    }

    #[test]
    fn lengths_and_ends_are_respected() {
        let mut reader = Reader::default();
        reader.read(b"HTTP/1.1 429 No\r\ncontent-length: 3\r\nconnection: close\r\n\r\nab").unwrap();
        assert!(!reader.is_done() && reader.close);
        reader.read(b"c").unwrap();
        assert!(reader.is_done());
        assert!(reader.read(b"d").is_err());

        let mut reader = Reader::default();
        reader.read(b"HTTP/1.0 200 OK\r\n\r\nabc").unwrap();
        assert!(reader.ends_with_connection() && reader.close);
    }

    #[test]
    fn nonsense_is_an_error() {
        assert!(Reader::default().read(b"SSH-2.0\r\n\r\n").is_err());
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        assert!(Reader::default().read(format!("{head}zz\r\n").as_bytes()).is_err());
        assert!(Reader::default().read(format!("{head}1\r\nabc\r\n").as_bytes()).is_err());
    }
}
