//! A free port of the loopback address.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result, bail};

/// Below the range that Linux gives to outgoing connections, so that a port is still free when a server that
/// was stopped for a while starts again on it.
const FIRST: u16 = 15_000;
const LAST: u16 = 32_000;

/// A port that nobody listens on at the moment. Another process may take it before the caller does: callers
/// try again with another one.
pub(crate) fn free() -> Result<u16> {
    for _ in 0..100 {
        let mut chance = [0; 2];
        getrandom::fill(&mut chance).context("ask the system for random bytes")?;
        let port = FIRST + u16::from_be_bytes(chance) % (LAST - FIRST);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port of 127.0.0.1 between {FIRST} and {LAST} in 100 tries")
}

/// Starts something on a free port, and on another one if it does not start: somebody may have been quicker.
pub(crate) fn retry<T>(start: impl Fn(u16) -> Result<T>) -> Result<T> {
    let first = start(free()?);
    if first.is_ok() { first } else { start(free()?) }
}
