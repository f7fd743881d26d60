//! One `redis-server` process: alone, or as a member of a cluster.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::programs;
use crate::server::Server;

/// How long a lively server may take to answer one question.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Node {
    pub(super) server: Server,
    program: PathBuf,
    pub(super) port: u16,
    arguments: Vec<String>,
}

impl Node {
    /// Prepares a server on this port; `arguments` come after the usual ones. Nothing runs yet.
    pub(super) fn prepare(port: u16, arguments: Vec<String>) -> Result<Self> {
        Ok(Self { server: Server::prepare("redis")?, program: programs::redis()?, port, arguments })
    }

    /// Starts it and waits until it answers.
    pub(super) fn run(&self) -> Result<()> {
        let mut program = Command::new(&self.program);
        program
            .current_dir(self.server.directory())
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
            .arg(self.port.to_string())
            .args(&self.arguments);
        self.server.run(program, || self.ask("PING").is_ok_and(|answer| answer == "PONG"))
    }

    /// Sends one command on a connection of its own. An error that the server answers is an `Err`.
    pub(super) fn ask(&self, command: &str) -> io::Result<String> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let mut connection = TcpStream::connect_timeout(&address, PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.write_all(format!("{command}\r\n").as_bytes())?;
        let mut answer = BufReader::new(connection);
        let mut head = String::new();
        answer.read_line(&mut head)?;
        let head = head.trim_end();
        match head.split_at_checked(1) {
            Some(("+" | ":", text)) => Ok(text.to_owned()),
            Some(("$", length)) => {
                let mut text = vec![0; length.parse().map_err(io::Error::other)?];
                answer.read_exact(&mut text)?;
                String::from_utf8(text).map_err(io::Error::other)
            }
            _ => Err(io::Error::other(format!("{command}: {head}"))),
        }
    }
}
