//! One connection that asks again and again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::reader::Reader;
use super::report::Tally;

/// How much is read at once.
const BUFFER: usize = 64 * 1024;
/// Rest after an error, so that a dead peer does not cost a processor.
const REST: Duration = Duration::from_millis(10);

/// What is left to do, shared by all callers.
#[derive(Debug)]
pub(super) enum Budget {
    Requests(AtomicU64),
    Until(Instant),
}

impl Budget {
    /// Whether another request may be sent.
    fn take(&self) -> bool {
        match self {
            Self::Requests(left) => {
                left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
            }
            Self::Until(end) => Instant::now() < *end,
        }
    }
}

/// A caller with its connection.
#[derive(Debug)]
pub(super) struct Caller {
    addr: SocketAddr,
    request: Bytes,
    expect_chunks: Option<u64>,
    timeout: Duration,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
    tally: Tally,
}

impl Caller {
    pub(super) fn new(
        addr: SocketAddr,
        request: Bytes,
        expect_chunks: Option<u64>,
        timeout: Duration,
    ) -> Self {
        let buffer = vec![0; BUFFER];
        Self { addr, request, expect_chunks, timeout, stream: None, buffer, tally: Tally::default() }
    }

    /// Asks until the budget is used up.
    pub(super) async fn run(mut self, budget: Arc<Budget>) -> Tally {
        while budget.take() {
            let timeout = self.timeout;
            let asked = tokio::time::timeout(timeout, self.ask()).await;
            let result = asked.unwrap_or_else(|_| Err(anyhow::anyhow!("no whole answer within {timeout:?}")));
            if let Err(error) = result {
                self.stream = None;
                self.tally.errors += 1;
                self.tally.first_error.get_or_insert_with(|| format!("{error:#}"));
                tokio::time::sleep(REST).await;
            }
        }
        self.tally
    }

    async fn ask(&mut self) -> anyhow::Result<()> {
        // Taken out: whatever fails below, this connection is not used again.
        let mut stream = if let Some(stream) = self.stream.take() {
            stream
        } else {
            let stream = TcpStream::connect(self.addr).await.context("cannot connect")?;
            stream.set_nodelay(true)?;
            stream
        };
        let begun = Instant::now();
        stream.write_all(&self.request).await.context("cannot send")?;
        let mut first = None;
        let mut reader = Reader::default();
        while !reader.is_done() {
            let count = stream.read(&mut self.buffer).await.context("cannot receive")?;
            if count == 0 {
                if reader.ends_with_connection() {
                    break;
                }
                bail!("the connection ended before the answer did");
            }
            first.get_or_insert_with(|| begun.elapsed());
            self.tally.bytes += count as u64;
            reader.read(self.buffer.get(..count).unwrap_or_default())?;
        }
        let latency = begun.elapsed();
        let events = reader.events();
        self.tally.chunks += events;
        if reader.is_done() && !reader.close {
            self.stream = Some(stream);
        }
        ensure!((200..300).contains(&reader.status), "status {}", reader.status);
        if let Some(expected) = self.expect_chunks {
            ensure!(events == expected, "{events} events instead of {expected}");
        }
        self.tally.requests += 1;
        self.tally.latency.add(micros(latency));
        self.tally.first_byte.add(micros(first.unwrap_or(latency)));
        Ok(())
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
