//! The queue of what nobody waits for, and the task that sends it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hub_redis::{Batch, RedisConnection, RedisError, RedisReply};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use hub_types::SessionId;

use super::keys::Lifetimes;
use super::pending::Pending;
use super::trail;
use super::unsaved::Unsaved;
use super::write::{Departure, Write};
use crate::{BindingChange, MessagePart};

/// The most entries that wait.
const CAPACITY: usize = 10_000;
/// The most entries that travel together: few enough for a busy Redis to answer them in time.
const GROUP: usize = 64;

/// The most bytes of bodies that wait.
const BODY_BYTES: usize = 16 << 20;
/// The most bytes of bodies that travel together, unless one alone is larger.
const GROUP_BYTES: usize = 256 << 10;

/// The near end of the queue, and the owner of the task at its other end.
#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Write>,
    /// The room for bodies that is left in the queue, in bytes.
    room: Arc<Semaphore>,
    losses: Arc<Losses>,
    pending: Arc<Pending>,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Ends a task that goes on after the patience with it.
    task: Mutex<Option<AbortHandle>>,
}

/// What did not reach Redis.
#[derive(Debug)]
pub(super) struct Losses {
    entries: AtomicU64,
    bindings: Unsaved,
}

/// The task's own.
struct Sender {
    connection: Arc<RedisConnection>,
    life: Lifetimes,
    losses: Arc<Losses>,
    pending: Arc<Pending>,
    is_failing: bool,
}

/// A departure, and where in the batch the first of the answers are that it waits for.
struct Asked<'a> {
    departure: &'a Departure,
    session: usize,
    trail: Option<usize>,
}

impl Writer {
    /// Starts the task. Must be called within a tokio runtime.
    pub(super) fn start(connection: Arc<RedisConnection>, life: Lifetimes, most_noted: usize) -> Self {
        let (queue, entries) = mpsc::channel(CAPACITY);
        let losses = Arc::new(Losses { entries: AtomicU64::new(0), bindings: Unsaved::new(most_noted) });
        let pending = Arc::new(Pending::default());
        let sender = Sender {
            connection,
            life,
            losses: Arc::clone(&losses),
            pending: Arc::clone(&pending),
            is_failing: false,
        };
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let task = tasks.spawn(sender.run(entries, stop.clone())).abort_handle();
        let room = Arc::new(Semaphore::new(BODY_BYTES));
        Self { queue, room, losses, pending, tasks, stop, task: Mutex::new(Some(task)) }
    }

    /// Enters a write, or counts it as lost if too many wait.
    pub(super) fn offer(&self, write: Write) {
        // Before it can be sent: what is sent leaves the pending ones.
        self.pending.add(&write);
        if let Err(refused) = self.queue.try_send(write) {
            let write = refused.into_inner();
            self.losses.note(&write);
            self.pending.remove(&write);
        }
    }

    /// Enters a body, or counts it as lost if too much waits.
    pub(super) fn offer_body(&self, session: &SessionId, part: MessagePart, body: Bytes) {
        let bytes = u32::try_from(body.len()).unwrap_or(u32::MAX);
        match Arc::clone(&self.room).try_acquire_many_owned(bytes) {
            Ok(room) => self.offer(Write::Message { session: session.clone(), part, body, room }),
            Err(_) => self.losses.count_one(),
        }
    }

    /// Waits until everything that was offered before has been sent; false = not within the patience.
    pub(super) async fn flush(&self, patience: Duration) -> bool {
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
            warn!(waiting = CAPACITY - self.queue.capacity(), "What waited to be written to Redis is lost");
        }
    }

    pub(super) fn losses(&self) -> &Losses {
        &self.losses
    }

    /// What waits to be written. Whoever looks something up in Redis asks here first: afterwards it may have
    /// been written, but after the look-up.
    pub(super) fn pending(&self) -> &Pending {
        &self.pending
    }
}

impl Losses {
    /// How many entries were lost so far.
    pub(super) fn entries(&self) -> u64 {
        self.entries.load(Ordering::Relaxed)
    }

    /// Was the session's last binding lost?
    pub(super) fn has_binding_of(&self, session: &SessionId) -> bool {
        self.bindings.contains(session)
    }

    /// The session's binding does not matter any more.
    pub(super) fn forget(&self, session: &SessionId) {
        self.bindings.forget(session);
    }

    fn count_one(&self) {
        self.entries.fetch_add(1, Ordering::Relaxed);
    }

    fn note(&self, write: &Write) {
        if matches!(write, Write::Barrier(_)) {
            return;
        }
        self.count_one();
        if let Write::Departure(departure) = write
            && let BindingChange::Bind(_) = departure.binding
        {
            self.bindings.note(&departure.routing);
            self.bindings.note(&departure.session);
        }
    }

    fn settle(&self, write: &Write) {
        if let Write::Departure(departure) = write
            && departure.binding != BindingChange::Keep
        {
            self.bindings.forget(&departure.routing);
            self.bindings.forget(&departure.session);
        }
    }
}

impl Sender {
    async fn run(mut self, mut queue: mpsc::Receiver<Write>, stop: CancellationToken) {
        let mut waiting = Vec::with_capacity(GROUP);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled(), if !queue.is_closed() => {
                    queue.close();
                    continue;
                }
                taken = queue.recv_many(&mut waiting, GROUP) => if taken == 0 {
                    return;
                },
            }
            while !waiting.is_empty() {
                let rest = waiting.split_off(group_end(&waiting));
                self.send(std::mem::replace(&mut waiting, rest)).await;
            }
        }
    }

    async fn send(&mut self, group: Vec<Write>) {
        let sent = self.try_send(&group).await;
        for write in group {
            match (&sent, write) {
                (_, Write::Barrier(done)) => {
                    let _ = done.send(());
                }
                (Ok(()), write) => {
                    self.losses.settle(&write);
                    self.pending.remove(&write);
                }
                (Err(_), write) => {
                    self.losses.note(&write);
                    self.pending.remove(&write);
                }
            }
        }
        match sent {
            Err(error) if !self.is_failing => {
                self.is_failing = true;
                warn!(%error, "Sessions are not written to Redis at the moment");
            }
            Ok(()) if self.is_failing => {
                self.is_failing = false;
                info!(lost = self.losses.entries(), "Sessions are written to Redis again");
            }
            _ => {}
        }
    }

    async fn try_send(&self, group: &[Write]) -> Result<(), RedisError> {
        let mut batch = Batch::new();
        let mut asked: Vec<Asked<'_>> = Vec::new();
        for write in group {
            write.put(&mut batch, &self.life);
            if let Write::Departure(departure) = write {
                let trail = trail::begin(departure, &mut batch, &self.life);
                asked.push(Asked { departure, session: departure.ask(&mut batch), trail });
            }
        }
        let answers = self.run_all(batch).await?;
        let mut second = Batch::new();
        for Asked { departure, session, trail } in asked {
            let from = |place: usize| answers.get(place..).unwrap_or_default();
            departure.put_rest(from(session), &mut second, &self.life);
            if let Some(place) = trail {
                trail::finish(departure, from(place), &mut second, &self.life);
            }
        }
        self.run_all(second).await?;
        Ok(())
    }

    async fn run_all(&self, batch: Batch) -> Result<Vec<RedisReply>, RedisError> {
        self.connection.run(batch).await?.into_iter().collect()
    }
}

/// Where the group ends: before an entry of a session whose trail, in the same group, waits for an answer,
/// before one that would be undone by a departure that waits for one, and before the bodies in it are so large
/// that all of it could be late.
fn group_end(waiting: &[Write]) -> usize {
    let (mut open, mut left): (Vec<&SessionId>, Vec<&SessionId>) = (Vec::new(), Vec::new());
    let mut bytes = 0;
    for (at, write) in waiting.iter().enumerate() {
        bytes += write.body_bytes();
        if at > 0 && bytes > GROUP_BYTES {
            return at;
        }
        if write.session().is_some_and(|session| open.contains(&session)) {
            return at;
        }
        match write {
            Write::Uncounted { session, .. } if left.contains(&session) => return at,
            Write::Departure(departure) => {
                left.push(&departure.session);
                if departure.trail.as_ref().is_some_and(|trail| !trail.parts().1.is_empty()) {
                    open.push(&departure.session);
                }
            }
            _ => {}
        }
    }
    waiting.len()
}
