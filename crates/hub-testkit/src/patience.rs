//! Waiting for a condition instead of for luck.

use std::time::{Duration, Instant};

/// How often it is asked.
const INTERVAL: Duration = Duration::from_millis(10);
/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks again and again, at most for ten seconds.
///
/// # Panics
/// If the condition does not hold by then; the message says `what` was waited for.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let end = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < end, "{what}: not in time");
        tokio::time::sleep(INTERVAL).await;
    }
}
