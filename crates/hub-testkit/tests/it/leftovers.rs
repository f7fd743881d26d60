//! Nothing is left of a test process that was killed: no server, no directory, even if the server was frozen.

use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use hub_testkit::{Postgres, Redis};

const ROLE: &str = "leftovers::the_process_that_gets_killed";
const MARK: &str = "HUB_TESTKIT_VICTIM_REPORT";

/// Does nothing in an ordinary run; the test below runs it in a process of its own, which kills itself.
#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "the parent test tells its child where to report by a variable"
)]
async fn the_process_that_gets_killed() {
    let Ok(report) = env::var(MARK) else { return };
    let (postgres, redis) = (Postgres::start().await.unwrap(), Redis::start().await.unwrap());
    let database = postgres.fresh_database().await.unwrap();
    // A session of its own, so that there is a forked process to leave behind.
    let (_client, _connection) = tokio_postgres::connect(&database.dsn, tokio_postgres::NoTls).await.unwrap();
    postgres.freeze().unwrap();
    redis.freeze().unwrap();
    fs::write(report, format!("{} {}", postgres.port(), redis.port())).unwrap();
    nix::sys::signal::raise(nix::sys::signal::SIGKILL).unwrap();
}

#[test]
fn a_killed_test_process_takes_its_frozen_servers_along() {
    let directory = tempfile::tempdir().unwrap();
    let report = directory.path().join("ports");
    // Its own temporary directory, so that all it leaves is in sight.
    let scratch = tempfile::Builder::new().prefix("hub-leftovers-").tempdir().unwrap();
    fs::set_permissions(scratch.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let status = Command::new(env::current_exe().unwrap())
        .args(["--exact", ROLE])
        .env(MARK, &report)
        .env("TMPDIR", scratch.path())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.signal(), Some(9), "{status:?}");
    let ports = fs::read_to_string(&report).unwrap();
    let ports: Vec<u16> = ports.split(' ').map(|port| port.parse().unwrap()).collect();
    assert_eq!(ports.len(), 2);

    let clean = || {
        fs::read_dir(scratch.path()).unwrap().next().is_none()
            && ports.iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_err())
            && processes_of(scratch.path().to_str().unwrap()) == 0
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    while !clean() {
        assert!(Instant::now() < deadline, "something is left in {}", scratch.path().display());
        thread::sleep(Duration::from_millis(20));
    }
}

/// How many processes have the directory in their command line or work in it.
fn processes_of(directory: &str) -> usize {
    let of = |process: &std::path::Path| {
        let line = fs::read(process.join("cmdline")).unwrap_or_default();
        let works_there = fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(directory));
        works_there || String::from_utf8_lossy(&line).contains(directory)
    };
    fs::read_dir("/proc").unwrap().flatten().filter(|process| of(&process.path())).count()
}
