//! Proxy programs for one test, on loopback. What they connect to sees them come from [`TestProxy::ADDRESS`].

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use crate::server::Server;
use crate::{port, programs};

/// A user name and a password.
type Login = Option<(&'static str, &'static str)>;

/// A running proxy; it ends when dropped, or with the test process.
#[derive(Debug)]
pub struct TestProxy {
    server: Server,
    port: u16,
}

impl TestProxy {
    /// Where connections come from that a proxy makes; whoever comes directly has 127.0.0.1.
    pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

    /// An HTTP proxy.
    pub async fn tinyproxy(login: Login) -> Result<Self> {
        Self::start("tinyproxy", "tinyproxy-bin", move |server, port, mut command| {
            let login = login.map(|(user, password)| format!("BasicAuth {user} {password}\n"));
            let config = format!(
                "Port {port}\nListen 127.0.0.1\nBind {}\nAllow 127.0.0.1\nTimeout 60\nMaxClients 200\n{}",
                Self::ADDRESS,
                login.unwrap_or_default()
            );
            let file = server.directory().join("tinyproxy.conf");
            fs::write(&file, config).context("write tinyproxy's configuration")?;
            command.arg("-d").arg("-c").arg(file);
            Ok(command)
        })
        .await
    }

    /// A SOCKS5 proxy.
    pub async fn microsocks(login: Login) -> Result<Self> {
        Self::start("microsocks", "microsocks", move |_, port, mut command| {
            command.args(["-i", "127.0.0.1", "-p", &port.to_string(), "-b", &Self::ADDRESS.to_string()]);
            if let Some((user, password)) = login {
                command.args(["-u", user, "-P", password]);
            }
            Ok(command)
        })
        .await
    }

    /// TLS before another proxy: with tinyproxy behind it, an HTTPS proxy. `pem` is a certificate with its key.
    pub async fn stunnel(pem: String, before: &Self) -> Result<Self> {
        let behind = before.port;
        Self::start("stunnel4", "stunnel4", move |server, port, mut command| {
            let directory = server.directory();
            let certificate = directory.join("proxy.pem");
            fs::write(&certificate, &pem).context("write stunnel's certificate")?;
            let config = format!(
                "foreground = yes\npid =\nsyslog = no\ncert = {}\n[proxy]\naccept = 127.0.0.1:{port}\n\
                 connect = 127.0.0.1:{behind}\nTIMEOUTclose = 0\n",
                certificate.display()
            );
            let file = directory.join("stunnel.conf");
            fs::write(&file, config).context("write stunnel's configuration")?;
            command.arg(file);
            Ok(command)
        })
        .await
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it: open connections are reset, new ones refused.
    pub fn stop(&self) -> Result<()> {
        self.server.stop(Signal::SIGKILL)
    }

    /// Suspends it: connections are accepted by the kernel, but nothing answers.
    pub fn freeze(&self) -> Result<()> {
        self.server.freeze()
    }

    async fn start(
        program: &'static str,
        package: &'static str,
        prepare: impl Fn(&Server, u16, Command) -> Result<Command> + Send + 'static,
    ) -> Result<Self> {
        let starting = tokio::task::spawn_blocking(move || {
            let path = programs::proxy(program, package)?;
            port::retry(|port| {
                let server = Server::prepare(program)?;
                let command = prepare(&server, port, Command::new(&path))?;
                server.run(command, || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())?;
                Ok(Self { server, port })
            })
        });
        starting.await.with_context(|| format!("start {program}"))?
    }
}
