//! A server and the processes it has forked, as one thing to signal.

use std::fs;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Sends a signal to a process alone. A process that has just ended is no error.
pub(crate) fn signal(pid: u32, signal: Signal) -> nix::Result<()> {
    let pid = i32::try_from(pid).map_err(|_| Errno::ESRCH)?;
    match kill(Pid::from_raw(pid), signal) {
        Err(Errno::ESRCH) => Ok(()),
        other => other,
    }
}

/// Stops a process first, so that it forks no more, then its children.
pub(crate) fn freeze(pid: u32) -> nix::Result<()> {
    signal(pid, Signal::SIGSTOP)?;
    children(pid).into_iter().try_for_each(|child| signal(child, Signal::SIGSTOP))
}

/// Lets the children go on, then the process itself.
pub(crate) fn thaw(pid: u32) -> nix::Result<()> {
    children(pid).into_iter().try_for_each(|child| signal(child, Signal::SIGCONT))?;
    signal(pid, Signal::SIGCONT)
}

/// Kills a process and its children at once.
pub(crate) fn kill_all(pid: u32) -> nix::Result<()> {
    signal(pid, Signal::SIGSTOP)?;
    let children = children(pid);
    signal(pid, Signal::SIGKILL)?;
    children.into_iter().try_for_each(|child| signal(child, Signal::SIGKILL))
}

/// The direct children of a process. PostgreSQL's are in sessions of their own, so a signal to the process
/// group would miss them.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|candidate| parent_of(*candidate) == Some(pid))
        .collect()
}

/// The name in the second field may hold spaces and brackets: what follows the last bracket counts.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(1)?.parse().ok()
}
