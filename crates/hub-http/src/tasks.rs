//! The tracked spawner: every background task has an owner that waits for it at shutdown.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Spawns tasks and waits for them. Clones share one set of tasks.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task that [`Tasks::finish`] will wait for.
    pub fn spawn<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tracker.spawn(future);
    }

    /// Cancelled when the tasks of this set should come to their end.
    pub fn stop_signal(&self) -> &CancellationToken {
        &self.stop
    }

    /// How many tasks are running.
    pub fn running(&self) -> usize {
        self.tracker.len()
    }

    /// Asks all tasks to end and waits for them, at most `patience`. Answers how many were still running.
    pub async fn finish(&self, patience: Duration) -> usize {
        self.stop.cancel();
        self.tracker.close();
        // Running out of patience is not an error here: the caller is told by the count.
        let _ = tokio::time::timeout(patience, self.tracker.wait()).await;
        self.tracker.len()
    }
}
