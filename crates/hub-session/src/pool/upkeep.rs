//! A shared pool's traffic with its store: one task, one bounded queue.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use hub_types::SessionId;

use super::lending::note_switch;
use super::{PoolStore, SessionPool, collecting};
use crate::StoreUnavailable;

/// Work that waits; what comes beyond is dropped, because the next request of the same session brings it again.
const QUEUE: usize = 1000;
/// How old the copy of a pool in use may be.
const REFRESH: Duration = Duration::from_secs(1);
/// The same of a pool that is only collecting.
const REFRESH_UNUSED: Duration = Duration::from_secs(10);

/// Something to tell the store.
pub(super) enum Job {
    /// Collect a session.
    Collect {
        /// The name of the key that it was seen on.
        key_name: String,
        /// Which.
        session: SessionId,
    },
    /// Move on.
    Switch {
        /// To whom.
        to: SessionId,
        /// The last switch when that was decided.
        seen: Option<Timestamp>,
        /// When that was.
        now: Timestamp,
    },
}

/// What a shared pool has besides its local copy.
pub(super) struct Shared {
    pub(super) store: Arc<dyn PoolStore>,
    /// Held from asking the store until the local copy says the same, so that an older answer never comes last.
    pub(super) turn: tokio::sync::Mutex<()>,
    jobs: mpsc::Sender<Job>,
    queue: Mutex<Option<mpsc::Receiver<Job>>>,
    /// Sessions that wait in the queue: at most as many as it holds.
    waiting: Mutex<HashSet<SessionId>>,
    /// Does a switch wait in the queue?
    is_switching: AtomicBool,
    /// Did the store say that it is full? Asked again after a refresh.
    is_full: AtomicBool,
    /// Collected while the store was away: at most as many as the pool may hold.
    unsaved: Mutex<BTreeSet<SessionId>>,
}

impl Shared {
    pub(super) fn new(store: Arc<dyn PoolStore>) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        Self {
            store,
            turn: tokio::sync::Mutex::default(),
            jobs,
            queue: Mutex::new(Some(queue)),
            waiting: Mutex::default(),
            is_switching: AtomicBool::new(false),
            is_full: AtomicBool::new(false),
            unsaved: Mutex::default(),
        }
    }

    pub(super) fn queue_collect(&self, session: &SessionId, job: impl FnOnce() -> Job) {
        if self.is_full.load(Ordering::Relaxed) || self.waiting.lock().contains(session) {
            return;
        }
        // The place in the queue first: only what is in it may be marked as waiting.
        if let Ok(place) = self.jobs.try_reserve()
            && self.waiting.lock().insert(session.clone())
        {
            place.send(job());
        }
    }

    pub(super) fn queue_switch(&self, job: Job) {
        if !self.is_switching.swap(true, Ordering::AcqRel) && self.jobs.try_send(job).is_err() {
            self.is_switching.store(false, Ordering::Release);
        }
    }
}

impl SessionPool {
    /// Keeps the local copy fresh and tells the store what happened here, until `stop` is ready. Whoever starts
    /// this task stops it and waits for it. A pool in one process has nothing to keep up, and just waits.
    pub async fn run(self: Arc<Self>, stop: impl Future<Output = ()> + Send) {
        tokio::pin!(stop);
        let queue = self.shared.as_ref().and_then(|shared| shared.queue.lock().take());
        let (Some(shared), Some(mut queue)) = (&self.shared, queue) else { return stop.await };
        let mut tick = interval(if self.rules.enabled { REFRESH } else { REFRESH_UNUSED });
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => return,
                _ = tick.tick() => {
                    if let Err(error) = self.refresh().await {
                        tracing::debug!(%error, "the session pool goes on with what this instance knows");
                    }
                }
                job = queue.recv() => match job {
                    Some(Job::Collect { key_name, session }) => {
                        self.collect_shared(shared, &key_name, &session).await;
                        shared.waiting.lock().remove(&session);
                    }
                    Some(Job::Switch { to, seen, now }) => {
                        self.switch_shared(shared, &to, seen, now).await;
                        shared.is_switching.store(false, Ordering::Release);
                    }
                    None => return stop.await,
                }
            }
        }
    }

    /// Brings the local copy up to date, after handing over what was collected while the store was away.
    pub(super) async fn refresh(&self) -> Result<(), StoreUnavailable> {
        let Some(shared) = &self.shared else { return Ok(()) };
        let _turn = shared.turn.lock().await;
        let unsaved = shared.unsaved.lock().clone();
        for session in unsaved {
            shared.store.collect(&session, self.rules.max_size).await?;
            shared.unsaved.lock().remove(&session);
        }
        let state = shared.store.state().await?;
        shared.is_full.store(state.members.len() >= self.rules.max_size, Ordering::Relaxed);
        self.local.write(|pool| *pool = state);
        Ok(())
    }

    async fn collect_shared(&self, shared: &Shared, key_name: &str, session: &SessionId) {
        let max = self.rules.max_size;
        let answer = shared.store.collect(session, max).await;
        if let Ok(collected) = answer {
            shared.is_full.store(collected.is_full, Ordering::Relaxed);
            // Which session is current the store alone knows. Finding a full pool full is no news.
            let is_news = collected.is_new || !collected.is_full;
            if is_news && self.refresh().await.is_err() {
                self.local.write(|pool| pool.collect(session, max));
            }
        }
        let collected = answer.unwrap_or_else(|_| {
            let collected = self.local.write(|pool| pool.collect(session, max));
            if collected.is_new {
                shared.unsaved.lock().insert(session.clone());
            }
            collected
        });
        collecting::note(key_name, session, collected);
    }

    async fn switch_shared(&self, shared: &Shared, to: &SessionId, seen: Option<Timestamp>, now: Timestamp) {
        let previous = self.local.read(|pool| pool.current.clone());
        let turn = shared.turn.lock().await;
        let is_ours = match shared.store.switch(to, seen, now).await {
            Ok(is_ours) => {
                if is_ours {
                    self.local.write(|pool| pool.set_current(to, now));
                }
                is_ours
            }
            Err(_) => self.local.write(|pool| pool.switch(to, seen, now)),
        };
        drop(turn);
        if is_ours {
            note_switch(previous.as_ref(), to);
        } else {
            // Another instance was faster: what it chose is read with the rest, now or a second later.
            let _ = self.refresh().await;
        }
    }
}
