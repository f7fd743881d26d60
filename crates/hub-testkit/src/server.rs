//! One server process with its directory: started, stopped, frozen, and gone when dropped. What the server
//! is (its program, how it says that it is ready) is the caller's business.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use parking_lot::Mutex;

use crate::guard::Guard;
use crate::process_tree;

/// Much longer than any of it takes on a busy machine: reaching it is a failure, not a delay.
const PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(crate) struct Server {
    name: &'static str,
    directory: PathBuf,
    child: Mutex<Option<Child>>,
    guard: Guard,
}

impl Server {
    /// Makes a directory under the system's temporary one, guarded from now on. Nothing runs yet.
    pub(crate) fn prepare(name: &'static str) -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix(&format!("hub-test-{name}-"))
            .tempdir()
            .context("make a temporary directory")?
            .keep();
        let guard = Guard::over(&directory)?;
        Ok(Self { name, directory, child: Mutex::new(None), guard })
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Runs the program and waits until `ready` says so. If the process ends before that, the error carries
    /// the tail of what it printed.
    pub(crate) fn run(&self, mut program: Command, mut ready: impl FnMut() -> bool) -> Result<()> {
        let mut slot = self.child.lock();
        if slot.is_some() {
            bail!("{} is running already", self.name);
        }
        let log = File::create(self.log_path()).context("create the server's log file")?;
        let mut child = program
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("share the log file")?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {}", program.get_program().display()))?;
        self.guard.watch(Some(child.id()))?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ended = child.try_wait().context("look after the server")?;
            if ended.is_none() && ready() {
                *slot = Some(child);
                return Ok(());
            }
            if ended.is_some() || Instant::now() > deadline {
                self.end(child, None)?;
                let ended = ended.map_or_else(|| "did not get ready".to_owned(), |status| status.to_string());
                bail!("{} did not start ({ended}); the end of its log:\n{}", self.name, self.log_tail());
            }
            thread::sleep(POLL);
        }
    }

    /// Ends the process by a signal and waits until it is gone, with its children. Not running: no error.
    pub(crate) fn stop(&self, by: Signal) -> Result<()> {
        match self.child.lock().take() {
            Some(child) => self.end(child, Some(by)),
            None => Ok(()),
        }
    }

    /// Suspends the process and its children: connections stay open and nothing is answered.
    pub(crate) fn freeze(&self) -> Result<()> {
        process_tree::freeze(self.pid()?).with_context(|| format!("freeze {}", self.name))
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) -> Result<()> {
        process_tree::thaw(self.pid()?).with_context(|| format!("thaw {}", self.name))
    }

    /// The number of the running process.
    pub(crate) fn pid(&self) -> Result<u32> {
        self.child.lock().as_ref().map(Child::id).with_context(|| format!("{} is not running", self.name))
    }

    fn end(&self, mut child: Child, by: Option<Signal>) -> Result<()> {
        let pid = child.id();
        if let Some(signal) = by
            && child.try_wait().context("look after the server")?.is_none()
        {
            // A frozen process takes a signal only once it goes on.
            process_tree::thaw(pid)?;
            process_tree::signal(pid, signal)?;
            wait_for(&mut child)?;
        }
        if child.try_wait().context("look after the server")?.is_none() {
            process_tree::kill_all(pid)?;
            wait_for(&mut child)?.with_context(|| format!("{} does not die", self.name))?;
        }
        self.guard.watch(None)
    }

    fn log_path(&self) -> PathBuf {
        self.directory.join("server.log")
    }

    fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.log_path()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(15)..).unwrap_or_default().join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.get_mut().take() {
            // Errors here have nobody to go to, and the guard repeats both steps when its pipe closes.
            let _ = process_tree::kill_all(child.id());
            let _ = child.wait();
            let _ = self.guard.watch(None);
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Waits for the end, for a bounded time.
fn wait_for(child: &mut Child) -> Result<Option<ExitStatus>> {
    let deadline = Instant::now() + PATIENCE / 4;
    loop {
        if let Some(status) = child.try_wait().context("wait for the server's end")? {
            return Ok(Some(status));
        }
        if Instant::now() > deadline {
            return Ok(None);
        }
        thread::sleep(POLL);
    }
}
