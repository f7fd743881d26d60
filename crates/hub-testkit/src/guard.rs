//! The guard: a shell that outlives the test process by a moment and cleans up after it.
//!
//! It waits at the end of a pipe which only the test process holds open. When that process ends, even by
//! SIGKILL, the kernel closes the pipe, and the guard kills the server with its children and removes the
//! directory. A death signal set by the server itself would not do: Linux binds that to the *thread* that
//! started the process, and a test's thread ends with the test.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result};
use parking_lot::Mutex;

/// `$1` is the directory; every line on stdin names the process to end (an empty line: none). The server is
/// stopped before its children are listed, so that it cannot fork in between.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
victim=
while read -r line; do victim=$line; done
if [ -n "$victim" ] && kill -STOP "$victim" 2>/dev/null; then
  family=$victim
  for stat in /proc/[0-9]*/stat; do
    read -r line 2>/dev/null <"$stat" || continue
    rest=${line##*) }
    parent=${rest#* }
    [ "${parent%% *}" = "$victim" ] || continue
    pid=${stat#/proc/}
    family="$family ${pid%/stat}"
  done
  kill -KILL $family 2>/dev/null
fi
[ ! -d "$1" ] || rm -rf -- "$1" 2>/dev/null || { sleep 1; rm -rf -- "$1"; }
"#;

/// The test process's end of the pipe.
#[derive(Debug)]
pub(crate) struct Guard {
    shell: Child,
    pipe: Mutex<Option<ChildStdin>>,
}

impl Guard {
    /// Starts to watch over a directory.
    pub(crate) fn over(directory: &Path) -> Result<Self> {
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "hub-testkit-guard"])
            .arg(directory)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A group of its own: what Ctrl-C or a CI's clean-up kills as a group does not kill the guard.
            .process_group(0)
            .spawn()
            .context("start the guard shell `sh`")?;
        let pipe = Mutex::new(shell.stdin.take());
        Ok(Self { shell, pipe })
    }

    /// Says which process is to end with the test process; `None` once it has been stopped, because its
    /// number may then be given to another.
    pub(crate) fn watch(&self, pid: Option<u32>) -> Result<()> {
        let line = pid.map_or_else(|| "\n".to_owned(), |pid| format!("{pid}\n"));
        let mut pipe = self.pipe.lock();
        pipe.as_mut().context("the guard is gone")?.write_all(line.as_bytes()).context("write to the guard")
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.pipe.lock().take());
        // An error means that somebody else has collected the shell: nothing is left to wait for.
        let _ = self.shell.wait();
    }
}
