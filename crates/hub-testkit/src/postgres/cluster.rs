//! The cluster on disk and its server process: `initdb`, start, readiness.

use std::ffi::OsStr;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use nix::unistd::{User, geteuid};

use crate::server::Server;
use crate::{port, programs};

/// Speed over durability: the cluster does not outlive the test. `synchronous_commit` stays on, so that what
/// was committed survives `stop`; without `fsync` it costs one write into the page cache.
const SETTINGS: &[&str] = &[
    "fsync=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "shared_buffers=64MB",
    "max_connections=200",
    "jit=off",
    "timezone=UTC",
    "log_timezone=UTC",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
];

#[derive(Debug)]
pub(super) struct Cluster {
    server: Server,
    programs: PathBuf,
    port: u16,
    /// PostgreSQL refuses to run as root; root runs it as this user and group.
    account: Option<(u32, u32)>,
}

impl Cluster {
    pub(super) fn start() -> Result<Self> {
        let programs = programs::postgres()?;
        let account = account()?;
        port::retry(|port| {
            let cluster =
                Self { server: Server::prepare("postgres")?, programs: programs.clone(), port, account };
            cluster.initialise()?;
            cluster.run()?;
            Ok(cluster)
        })
    }

    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The connection string of one of its databases.
    pub(super) fn dsn(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Starts the server on the existing data and waits until it takes connections.
    pub(super) fn run(&self) -> Result<()> {
        let mut postgres = self.program("postgres");
        postgres.arg("-D").arg(self.data()).arg("-p").arg(self.port.to_string());
        for setting in SETTINGS {
            postgres.args(["-c", setting]);
        }
        self.server.run(postgres, || self.takes_connections())
    }

    /// Drops a database and whoever is connected to it.
    pub(super) fn drop_database(&self, name: &str) -> Result<()> {
        let mut dropdb = self.program("dropdb");
        dropdb.args(["--force", "--if-exists", "--username=postgres", "--host=127.0.0.1"]);
        succeed(dropdb.arg(format!("--port={}", self.port)).arg(name))
    }

    fn initialise(&self) -> Result<()> {
        if let Some((user, group)) = self.account {
            chown(self.server.directory(), Some(user), Some(group)).context("hand the directory over")?;
        }
        let mut initdb = self.program("initdb");
        initdb.args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale"]);
        // Small log segments: the first one is written in full, and sixteen megabytes take their time.
        succeed(initdb.args(["--wal-segsize=4", "-D"]).arg(self.data()))
    }

    fn takes_connections(&self) -> bool {
        let mut isready = self.program("pg_isready");
        isready.args(["--quiet", "--host=127.0.0.1", "--username=postgres", "--dbname=postgres"]);
        let status = isready.arg(format!("--port={}", self.port)).stdin(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    fn data(&self) -> PathBuf {
        self.server.directory().join("data")
    }

    fn program(&self, name: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(self.programs.join(name.as_ref()));
        command.current_dir(self.server.directory());
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        command
    }
}

fn account() -> Result<Option<(u32, u32)>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let user = User::from_name("postgres").context("look up the user `postgres`")?.context(
        "PostgreSQL does not run as root, and there is no user `postgres` to run it as: \
         `apt-get install postgresql` makes one, or run the tests as an ordinary user",
    )?;
    Ok(Some((user.uid.as_raw(), user.gid.as_raw())))
}

fn succeed(command: &mut Command) -> Result<()> {
    let program = command.get_program().display().to_string();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("run {program}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{program} failed ({}):\n{}", output.status, said.trim());
    }
    Ok(())
}
