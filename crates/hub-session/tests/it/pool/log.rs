//! The lines that operators' tools look for.

use std::io::Write;
use std::sync::Arc;

use hub_session::SessionPool;
use parking_lot::Mutex;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use super::fixture::{FIRST, at, rules, session};

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// What this thread logs from now on, each line as `LEVEL target: message`.
    pub(crate) fn start() -> (Self, DefaultGuard) {
        let log = Self::default();
        let format = tracing_subscriber::fmt().with_ansi(false).without_time();
        let subscriber = format.with_writer(log.clone()).finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// The lines of the pool.
    pub(crate) fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().clone()).unwrap();
        text.lines()
            .map(|line| line.trim_start().to_owned())
            .filter(|line| line.contains("SessionPool"))
            .collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[test]
fn each_new_session_is_told_once_with_its_keys_name_and_the_size() {
    let (log, _guard) = Log::start();
    let pool = SessionPool::in_process(rules());
    for name in ["a", "a", "b", "c", "d", "too many"] {
        pool.collect("CI runner", &session(name));
    }
    let expected: Vec<_> = ["a", "b", "c", "d"]
        .iter()
        .zip(1..)
        .flat_map(|(name, size)| {
            [
                "INFO SessionPool: Collected session from whitelist API Key: CI runner".to_owned(),
                format!("INFO SessionPool: Added new session to pool: k7.{name} (pool size: {size})"),
            ]
        })
        .collect();
    assert_eq!(log.lines(), expected);
    pool.borrow(FIRST, at(0)).unwrap();
    assert_eq!(log.lines()[8..], ["INFO SessionPool: Switched the current session: k7.a -> k7.b"]);
}
