//! A Redis server for one test.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use crate::server::Server;
use crate::{port, programs};

/// A Redis process on loopback that keeps nothing: after a stop it starts empty.
#[derive(Debug)]
pub struct Redis {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    server: Server,
    program: PathBuf,
    port: u16,
}

impl Redis {
    /// Starts a server of the caller's own; it ends when dropped, or with the test process.
    pub async fn start() -> Result<Self> {
        let inner = tokio::task::spawn_blocking(|| {
            let program = programs::redis()?;
            port::retry(|port| {
                let inner = Inner { server: Server::prepare("redis")?, program: program.clone(), port };
                inner.run().map(|()| Arc::new(inner))
            })
        });
        Ok(Self { inner: inner.await.context("start Redis")?? })
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.inner.port
    }

    /// What `REDIS_URL` would be: `redis://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.inner.port)
    }

    /// Kills the server: open connections are reset, new ones refused, all data is gone.
    pub async fn stop(&self) -> Result<()> {
        self.blocking(|inner| inner.server.stop(Signal::SIGKILL)).await
    }

    /// Starts it again on the same port, empty.
    pub async fn start_again(&self) -> Result<()> {
        self.blocking(Inner::run).await
    }

    /// Suspends it: connections stay open and are accepted by the kernel, but nothing answers.
    pub fn freeze(&self) -> Result<()> {
        self.inner.server.freeze()
    }

    /// Lets it go on after [`Redis::freeze`]; it then executes what was sent meanwhile.
    pub fn thaw(&self) -> Result<()> {
        self.inner.server.thaw()
    }

    async fn blocking(&self, work: impl FnOnce(&Inner) -> Result<()> + Send + 'static) -> Result<()> {
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || work(&inner)).await.context("look after Redis")?
    }
}

impl Inner {
    fn run(&self) -> Result<()> {
        let mut program = Command::new(&self.program);
        program.current_dir(self.server.directory()).args(["--bind", "127.0.0.1", "--save", ""]).args([
            "--appendonly",
            "no",
            "--port",
            &self.port.to_string(),
        ]);
        self.server.run(program, || self.answers_ping().unwrap_or(false))
    }

    fn answers_ping(&self) -> std::io::Result<bool> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let mut connection = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        connection.set_read_timeout(Some(Duration::from_secs(1)))?;
        connection.write_all(b"PING\r\n")?;
        let mut answer = [0; 5];
        connection.read_exact(&mut answer)?;
        Ok(&answer == b"+PONG")
    }
}
