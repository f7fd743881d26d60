//! Waiting for conditions, for a bounded time.

use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(10);

/// Asks until there is something; panics when it takes longer than `bound`. Answers it and how long it took.
pub(crate) async fn eventually<T>(
    what: &str,
    bound: Duration,
    mut ask: impl AsyncFnMut() -> Option<T>,
) -> (T, Duration) {
    let started = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return (found, started.elapsed());
        }
        assert!(started.elapsed() < bound, "not within {bound:?}: {what}");
        tokio::time::sleep(POLL).await;
    }
}
