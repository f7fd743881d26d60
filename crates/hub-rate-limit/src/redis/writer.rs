//! The queue of what nobody waits for, and the task that sends it.
//!
//! What could not be sent is sent again until Redis is back: the scripts see to it that nothing counts twice.
//! Meanwhile entries wait, as many as there is room for. Whoever would have had to pay for an entry beyond that
//! is noted, and forgotten by Redis when it is back: then the ledger is asked, which has it all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use hub_redis::{Batch, RedisConnection, RedisError};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use super::unpaid::Unpaid;
use super::write::Write;
use crate::time::Ms;

/// The most entries that travel together: few enough for a busy Redis to answer them in time.
const GROUP: usize = 64;
/// How long to wait before Redis is tried again.
const PAUSE: Duration = Duration::from_millis(50);

/// What became of what was to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteFigures {
    /// Entries that are not yet written.
    pub waiting: usize,
    /// Entries that were lost, because too many waited or Redis refused them.
    pub lost: u64,
    /// Has Redis yet to be told what happened while it was away?
    pub is_behind: bool,
}

/// The near end of the queue, and the owner of the task at its other end.
#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Write>,
    shared: Arc<Shared>,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// A task that waits for Redis would not notice that nobody offers anything any more.
    _ending: DropGuard,
    /// Ends a task that goes on after the patience with it.
    task: Mutex<Option<AbortHandle>>,
}

#[derive(Debug)]
struct Shared {
    /// Entries on their way, from the offer until they are written or lost.
    waiting: AtomicUsize,
    lost: AtomicU64,
    is_behind: AtomicBool,
    unpaid: Unpaid,
}

/// The task's own.
struct Sender {
    connection: Arc<RedisConnection>,
    reservation_ttl: Ms,
    shared: Arc<Shared>,
    stop: CancellationToken,
}

impl Writer {
    /// Starts the task. Must be called within a tokio runtime.
    pub(super) fn start(connection: Arc<RedisConnection>, reservation_ttl: Ms, capacity: usize) -> Self {
        let (queue, entries) = mpsc::channel(capacity.max(1));
        let shared = Arc::new(Shared {
            waiting: AtomicUsize::new(0),
            lost: AtomicU64::new(0),
            is_behind: AtomicBool::new(false),
            unpaid: Unpaid::default(),
        });
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let sender = Sender { connection, reservation_ttl, shared: Arc::clone(&shared), stop: stop.clone() };
        let task = tasks.spawn(sender.run(entries)).abort_handle();
        let ending = stop.clone().drop_guard();
        Self { queue, shared, tasks, stop, _ending: ending, task: Mutex::new(Some(task)) }
    }

    /// Enters a write, or counts it as lost if too many wait.
    pub(super) fn offer(&self, write: Write) {
        self.shared.waiting.fetch_add(1, Ordering::AcqRel);
        if let Err(refused) = self.queue.try_send(write) {
            self.shared.lose(&refused.into_inner());
            self.shared.waiting.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// Waits until everything that was offered before has been sent; false = not within the patience.
    pub(super) async fn flush(&self, patience: Duration) -> bool {
        if self.shared.waiting.load(Ordering::Acquire) == 0 {
            return true;
        }
        let (done, reached) = oneshot::channel();
        let wait = async {
            // After the end of the task there is nothing to wait for.
            if self.queue.send(Write::Barrier(done)).await.is_ok() {
                let _ = reached.await;
            }
        };
        timeout(patience, wait).await.is_ok()
    }

    /// Sends what waits, at most for the patience, and ends the task.
    pub(super) async fn close(&self, patience: Duration) {
        self.stop.cancel();
        self.tasks.close();
        if timeout(patience, self.tasks.wait()).await.is_err() {
            if let Some(task) = self.task.lock().take() {
                task.abort();
            }
            self.tasks.wait().await;
        }
    }

    /// Has Redis yet to be told what happened while it was away?
    pub(super) fn is_behind(&self) -> bool {
        self.shared.is_behind.load(Ordering::Acquire)
    }

    pub(super) fn figures(&self) -> WriteFigures {
        WriteFigures {
            waiting: self.shared.waiting.load(Ordering::Relaxed),
            lost: self.shared.lost.load(Ordering::Relaxed),
            is_behind: self.is_behind(),
        }
    }
}

impl Shared {
    fn lose(&self, write: &Write) {
        if write.is_barrier() {
            return;
        }
        self.lost.fetch_add(1, Ordering::Relaxed);
        for owner in write.payers() {
            self.unpaid.note(owner);
            self.is_behind.store(true, Ordering::Release);
        }
    }
}

impl Sender {
    async fn run(self, mut queue: mpsc::Receiver<Write>) {
        let mut group = Vec::with_capacity(GROUP);
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled(), if !queue.is_closed() => {
                    queue.close();
                    continue;
                }
                taken = queue.recv_many(&mut group, GROUP) => if taken == 0 {
                    return;
                },
                () = sleep(PAUSE), if self.shared.is_behind.load(Ordering::Acquire) => {}
            }
            if !self.deliver(&group).await {
                self.give_up(&group, &mut queue);
                return;
            }
            for write in group.drain(..) {
                if let Write::Barrier(done) = write {
                    let _ = done.send(());
                } else {
                    self.shared.waiting.fetch_sub(1, Ordering::AcqRel);
                }
            }
            if self.shared.is_behind.load(Ordering::Acquire) && queue.len() < GROUP {
                self.catch_up().await;
            }
        }
    }

    /// Sends the group until Redis takes it. False: nobody waits for that any more.
    async fn deliver(&self, group: &[Write]) -> bool {
        while let Err(error) = self.send(group).await {
            if !self.shared.is_behind.swap(true, Ordering::AcqRel) {
                warn!(%error, "Charges are not written to Redis at the moment");
            }
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return self.send(group).await.is_ok(),
                () = sleep(PAUSE) => {}
            }
        }
        true
    }

    async fn send(&self, group: &[Write]) -> Result<(), RedisError> {
        let mut batch = Batch::new();
        for write in group {
            write.put(&mut batch, self.reservation_ttl);
        }
        let answers = self.connection.run(batch).await?;
        let sent = group.iter().filter(|write| !write.is_barrier());
        for (write, answer) in sent.zip(answers) {
            match answer {
                Ok(_) => {}
                // Redis itself said no, and will say so again.
                Err(error @ RedisError::Refused(_)) => {
                    if !self.shared.is_behind.swap(true, Ordering::AcqRel) {
                        warn!(%error, "Redis refuses charges: they will be read from the ledger");
                    }
                    self.shared.lose(write);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Redis is back, and has nearly all that waited.
    async fn catch_up(&self) {
        if let Err(error) = self.shared.unpaid.forget_in(&self.connection).await {
            debug!(%error, "Counters in Redis that are not complete could not be dropped yet");
            return;
        }
        self.shared.is_behind.store(false, Ordering::Release);
        if !self.shared.unpaid.is_empty() {
            // Somebody else was lost just now.
            self.shared.is_behind.store(true, Ordering::Release);
            return;
        }
        info!(lost = self.shared.lost.load(Ordering::Relaxed), "Charges are written to Redis again");
    }

    fn give_up(&self, group: &[Write], queue: &mut mpsc::Receiver<Write>) {
        let mut lost = 0;
        for write in group.iter().filter(|write| !write.is_barrier()) {
            self.shared.lose(write);
            lost += 1;
        }
        while let Ok(write) = queue.try_recv() {
            self.shared.lose(&write);
            lost += u64::from(!write.is_barrier());
        }
        self.shared.waiting.store(0, Ordering::Release);
        warn!(lost, "What waited to be written to Redis is lost");
    }
}
