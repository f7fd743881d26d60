//! The data directory: there, writable, and closed to others.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process;

use super::Check;
use crate::messages::{Messages, fill};

const NAME: &str = "data directory";
/// Permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;

pub(super) fn check(directory: &Path, messages: &Messages) -> Vec<Check> {
    let shown = directory.display().to_string();
    let metadata = match fs::metadata(directory) {
        Ok(metadata) if metadata.is_dir() => metadata,
        Ok(_) => return vec![Check::fail(NAME, format!("{shown}: not a directory"), messages.fix_data_dir)],
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return vec![Check::warn(NAME, format!("{shown}: {error}"), messages.fix_data_dir_missing)];
        }
        Err(error) => return vec![Check::fail(NAME, format!("{shown}: {error}"), messages.fix_data_dir)],
    };
    let mut checks = Vec::new();
    if let Err(error) = try_write(directory) {
        checks.push(Check::fail(NAME, format!("{shown}: {error}"), messages.fix_data_dir));
    }
    let mode = metadata.permissions().mode();
    if mode & OTHERS != 0 {
        let detail = format!("{shown}: mode {:03o}", mode & 0o777);
        checks.push(Check::warn(NAME, detail, fill(messages.fix_directory_mode, &shown)));
    }
    for secret in ["master.key", "admin-token"] {
        let path = directory.join(secret);
        let Ok(metadata) = fs::metadata(&path) else { continue };
        let mode = metadata.permissions().mode();
        if mode & OTHERS != 0 {
            let path = path.display().to_string();
            let detail = format!("{path}: mode {:03o}", mode & 0o777);
            checks.push(Check::fail(NAME, detail, fill(messages.fix_secret_mode, &path)));
        }
    }
    if checks.is_empty() {
        checks.push(Check::ok(NAME, shown));
    }
    checks
}

/// Only writing shows whether writing works: mounts may be read-only and disks full.
fn try_write(directory: &Path) -> io::Result<()> {
    let path = directory.join(format!(".doctor-{}", process::id()));
    let written =
        OpenOptions::new().write(true).create_new(true).open(&path).and_then(|file| file.sync_all());
    if written.is_ok() {
        fs::remove_file(&path)?;
    }
    written
}
