//! Where the servers' programs are, and what to do when they are not.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

/// The directory with `initdb`, `postgres` and `pg_isready`: the newest of Debian's versions, else the usual
/// places of other systems.
pub(crate) fn postgres() -> Result<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_unstable_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions
        .into_iter()
        .map(|(_, directory)| directory)
        .chain(["/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin"].map(PathBuf::from))
        .find(|directory| directory.join("postgres").is_file() && directory.join("initdb").is_file())
        .ok_or_else(|| missing("PostgreSQL", "postgresql"))
}

/// The program `redis-server`.
pub(crate) fn redis() -> Result<PathBuf> {
    ["/usr/bin/redis-server", "/usr/local/bin/redis-server", "/usr/sbin/redis-server"]
        .into_iter()
        .map(Path::new)
        .find(|program| program.is_file())
        .map(Path::to_path_buf)
        .ok_or_else(|| missing("Redis", "redis-server"))
}

/// One of the proxy programs, with its Debian package.
pub(crate) fn proxy(program: &'static str, package: &str) -> Result<PathBuf> {
    ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"]
        .into_iter()
        .map(|directory| Path::new(directory).join(program))
        .find(|program| program.is_file())
        .ok_or_else(|| missing(program, package))
}

fn missing(server: &str, package: &str) -> anyhow::Error {
    anyhow!(
        "these tests use a real {server}, and it is not installed: run the tests by `scripts/test`, which \
         installs it, or `apt-get install {package}` (the service itself need not run)"
    )
}
