//! The hub as a child process, and the place where it keeps its things.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::{Admin, Connection, Look, Seeded, eventually};

pub(crate) const ADMIN_TOKEN: &str = "an-admin-token-for-tests";
/// The same for all hubs, because some share a database.
pub(crate) const MASTER_KEY: [u8; 32] = [7; 32];
const LONG: Duration = Duration::from_secs(60);

/// A directory with everything that outlives a hub: start as many as you like, one after the other.
#[derive(Debug)]
pub(crate) struct Site {
    directory: TempDir,
    settings: Vec<(&'static str, String)>,
}

impl Site {
    /// With SQLite.
    pub(crate) fn embedded() -> Self {
        let master_key = MASTER_KEY.map(|byte| format!("{byte:02x}")).concat();
        let settings = [
            ("ADMIN_TOKEN", ADMIN_TOKEN),
            ("MASTER_KEY", &master_key),
            ("LOG_LEVEL", "warn"),
            ("PRICE_SYNC_INTERVAL_SECONDS", "0"),
        ];
        let settings = settings.map(|(name, value)| (name, value.to_owned())).into();
        Self { directory: TempDir::new().unwrap(), settings }
    }

    /// With a PostgreSQL database.
    pub(crate) fn on(dsn: &str) -> Self {
        Self::embedded().with("DSN", dsn)
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.settings.push((name, value.to_owned()));
        self
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Segments of the journal on disk.
    pub(crate) fn journal_segments(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.data_dir().join("journal")).unwrap();
        files
            .map(|file| file.unwrap().path())
            .filter(|path| path.extension().is_some_and(|it| it == "seg"))
            .collect()
    }

    /// Starts the program; it may not be ready yet.
    pub(crate) fn launch(&self, arguments: &[&str]) -> Launched {
        let log = self.directory.path().join("log");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_hub-server"))
            .args(arguments)
            .args(["--port", "0"])
            .current_dir(self.directory.path())
            .env_clear()
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .env("DATA_DIR", self.data_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let printed = BufReader::new(child.stdout.take().unwrap()).lines();
        Launched { child, printed }
    }

    /// Starts the hub and waits until it takes work.
    pub(crate) async fn start(&self) -> Hub {
        let mut launched = self.launch(&[]);
        let line = launched.line().await.unwrap_or_else(|| panic!("the hub does not start:\n{}", self.log()));
        let address = line.strip_prefix("Claude Code Hub listens on http://").unwrap().parse().unwrap();
        let hub = Hub { launched, address };
        eventually("the hub is ready", LONG, async || hub.is_ready().await.then_some(())).await;
        hub
    }

    /// Furnishes the place: a hub that lives for this alone gets a user, a key and a provider at `url`, so that
    /// the hubs after it know them from their start.
    pub(crate) async fn furnish(&self, url: &str) -> Seeded {
        let hub = self.start().await;
        let seeded = Admin(hub.address).seed(url).await;
        hub.stop().await;
        seeded
    }

    /// Runs `hub-admin` here, with the settings of the hub.
    pub(crate) async fn administer(&self, arguments: &[&str]) -> Output {
        let program = tokio::task::spawn_blocking(hub_admin).await.unwrap();
        let running = Command::new(program)
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .env("DATA_DIR", self.data_dir())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        tokio::time::timeout(LONG, running).await.expect("hub-admin does not end").unwrap()
    }

    /// What all hubs of this place wrote to standard error.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

/// The other program, beside the one under test. Cargo builds it together with the tests of the workspace, but
/// not for those of this package alone.
fn hub_admin() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_hub-server")).with_file_name("hub-admin");
    if !program.exists() {
        let build = ["build", "--package", "hub-admin", "--bin", "hub-admin"];
        let status = std::process::Command::new(env!("CARGO")).args(build).status().unwrap();
        assert!(status.success() && program.exists(), "cannot build {}", program.display());
    }
    program
}

/// The program, running. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Launched {
    child: Child,
    printed: Lines<BufReader<ChildStdout>>,
}

impl Launched {
    /// The next line on standard output; `None` at its end.
    pub(crate) async fn line(&mut self) -> Option<String> {
        tokio::time::timeout(LONG, self.printed.next_line()).await.expect("the program says nothing").unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id().expect("it runs")).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    pub(crate) async fn wait(&mut self) -> ExitStatus {
        tokio::time::timeout(LONG, self.child.wait()).await.expect("the program does not end").unwrap()
    }

    /// kill -9: no last word, no last write.
    pub(crate) async fn kill(mut self) {
        self.signal(Signal::SIGKILL);
        self.wait().await;
    }
}

/// A hub that listens.
#[derive(Debug)]
pub(crate) struct Hub {
    launched: Launched,
    pub(crate) address: SocketAddr,
}

impl Hub {
    pub(crate) async fn is_ready(&self) -> bool {
        let Ok(mut connection) = Connection::open(self.address).await else { return false };
        let is_sent = connection.send("GET", "/health/ready", "", "").await.is_ok();
        is_sent && connection.read().await.is_some_and(|answer| answer.status == 200)
    }

    /// Waits until readiness tells of Redis what is expected. The hub is ready all the time.
    pub(crate) async fn until_redis_is(&self, expected: &str) {
        let ask = async || {
            let mut connection = Connection::open(self.address).await.unwrap();
            connection.send("GET", "/health/ready", "connection: close\r\n", "").await.unwrap();
            let answer = connection.read().await.unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
            (answer.json()["redis"] == expected).then_some(())
        };
        eventually(&format!("redis is {expected}"), LONG, ask).await;
    }

    /// A figure of `/metrics`; `None` if it is not there.
    pub(crate) async fn metric(&self, name: &str) -> Option<f64> {
        let mut connection = Connection::open(self.address).await.unwrap();
        connection.send("GET", "/metrics", "connection: close\r\n", "").await.unwrap();
        let page = connection.read().await.unwrap().text();
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.and_then(|value| value.parse().ok())
    }

    /// How its process stands.
    pub(crate) fn look(&self) -> Look {
        Look::at(self.launched.child.id().expect("it runs"))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.launched.signal(signal);
    }

    pub(crate) async fn wait(&mut self) -> ExitStatus {
        self.launched.wait().await
    }

    pub(crate) async fn kill(self) {
        self.launched.kill().await;
    }

    /// SIGTERM, and a good end.
    pub(crate) async fn stop(mut self) {
        self.signal(Signal::SIGTERM);
        assert_eq!(self.wait().await.code(), Some(0), "the hub ends well when asked to");
    }
}
