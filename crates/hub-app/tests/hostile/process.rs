//! What the process itself shows: panics, memory, open files. The tests of this binary take turns, because
//! they share these figures.

use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};

static TURN: Mutex<()> = Mutex::new(());
static PANICS: AtomicUsize = AtomicUsize::new(0);
static HOOK: Once = Once::new();

/// Waits for this test's turn, counts panics from then on and asks for a look at the end.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    let turn = TURN.lock();
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.fetch_add(1, Ordering::SeqCst);
            usual(panic);
        }));
    });
    PANICS.store(0, Ordering::SeqCst);
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    turn
}

/// Panics since the turn began, in whatever thread or task.
pub(crate) fn panics() -> usize {
    PANICS.load(Ordering::SeqCst)
}

/// Resident memory in KiB.
pub(crate) fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

/// Open sockets of this process.
pub(crate) fn open_sockets() -> usize {
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    let links = open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
}

/// Waits until `is_true`; answers whether it came to that within `patience`.
pub(crate) async fn eventually(patience: Duration, mut is_true: impl AsyncFnMut() -> bool) -> bool {
    let end = Instant::now() + patience;
    loop {
        if is_true().await {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
