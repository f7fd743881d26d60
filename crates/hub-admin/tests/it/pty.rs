//! The program at a real terminal: a pseudo-terminal that it controls, so that Ctrl-C is what it is for people.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::pty::openpty;
use parking_lot::Mutex;

use crate::fixture::{Admin, PROGRAM};

const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";
/// Nothing takes longer than this, or it is not going to happen.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Pty {
    child: Child,
    keyboard: File,
    screen: Arc<Mutex<Vec<u8>>>,
    /// What was on the screen before was waited for already.
    read: usize,
}

impl Pty {
    pub(crate) fn run(admin: &Admin, args: &[&str]) -> Self {
        let pair = openpty(None, None).unwrap();
        let side = || Stdio::from(pair.slave.try_clone().unwrap());
        // It makes the terminal the controlling one, and then becomes the program.
        let mut command = admin.command("setsid");
        command.arg("--ctty").arg(PROGRAM).args(args);
        let child = command.stdin(side()).stdout(side()).stderr(side()).spawn().unwrap();
        drop((command, pair.slave));
        let screen = Arc::new(Mutex::new(Vec::new()));
        let mut output = File::from(pair.master);
        let keyboard = output.try_clone().unwrap();
        let shown = Arc::clone(&screen);
        // It ends when the terminal has no other side any more.
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                shown.lock().extend_from_slice(&bytes[..count]);
            }
        });
        Self { child, keyboard, screen, read: 0 }
    }

    /// Waits until the text is shown, after what was waited for last.
    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            {
                let screen = self.screen.lock();
                let new = &screen[self.read..];
                if let Some(at) = new.windows(text.len()).position(|part| part == text.as_bytes()) {
                    self.read += at + text.len();
                    return;
                }
                let shown = String::from_utf8_lossy(new);
                assert!(Instant::now() < deadline, "`{text}` does not come: {shown}");
            }
            sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn type_line(&mut self, text: &str) {
        writeln!(self.keyboard, "{text}").unwrap();
    }

    pub(crate) fn press_ctrl_c(&mut self) {
        self.keyboard.write_all(CTRL_C.as_bytes()).unwrap();
    }

    pub(crate) fn end_input(&mut self) {
        self.keyboard.write_all(CTRL_D.as_bytes()).unwrap();
    }

    /// Waits for the end: the exit code, and everything that was on the screen.
    #[track_caller]
    pub(crate) fn end(mut self) -> (i32, String) {
        let deadline = Instant::now() + PATIENCE;
        let code = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status.code().expect("it ended by itself");
            }
            assert!(Instant::now() < deadline, "{}", String::from_utf8_lossy(&self.screen.lock()));
            sleep(Duration::from_millis(5));
        };
        (code, String::from_utf8_lossy(&self.screen.lock()).into_owned())
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
