//! A limiter that knows: counters that were lost are read from the ledger before anybody is answered.
//!
//! This is the one place where a counter's question meets the ledger. Whoever asks waits for the answer, but not
//! for long: with the database away requests go on unlimited where the counters are unknown, and after the
//! first of them nobody waits until it is back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::join_all;
use hub_http::Tasks;
use hub_rate_limit::{
    Admission, Amount, Known, LimiterUnavailable, Limits, Owner, Past, Payer, RateLimiter, Restore, Room,
    Ticket, Verdict, WindowUsage,
};
use hub_types::{AttemptId, ProviderId};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{sleep, timeout};

use super::Ledger;

/// How long a request waits for its counters. Well below the limiter's lease, after which it asks somebody else.
const PATIENCE: Duration = Duration::from_secs(2);
/// How soon to ask again while somebody else reads.
const ASK_AGAIN: Duration = Duration::from_millis(20);
/// Questions to the database at once.
const READERS: usize = 8;
/// Tries at once while the ledger is out of reach.
const PROBES: usize = 4;

type Result<T> = std::result::Result<T, LimiterUnavailable>;

/// See the module's documentation.
pub(crate) struct RestoringLimiter {
    inner: Arc<Inner>,
    /// Reading goes on when the request that began it is gone: others wait for it.
    tasks: Tasks,
}

struct Inner {
    counters: Arc<dyn RateLimiter>,
    ledger: Ledger,
    readers: Semaphore,
    probes: Semaphore,
    /// The last reading failed.
    is_away: AtomicBool,
}

impl RestoringLimiter {
    pub(crate) fn new(counters: Arc<dyn RateLimiter>, ledger: Ledger, tasks: Tasks) -> Self {
        let (readers, probes) = (Semaphore::new(READERS), Semaphore::new(PROBES));
        let inner = Inner { counters, ledger, readers, probes, is_away: AtomicBool::new(false) };
        Self { inner: Arc::new(inner), tasks }
    }

    fn counters(&self) -> &dyn RateLimiter {
        &*self.inner.counters
    }

    /// Asks until the answer is known.
    async fn until_known<T, F>(&self, now: Timestamp, ask: impl Fn(Timestamp) -> F + Send + Sync) -> Result<T>
    where
        T: Send,
        F: Future<Output = Result<Known<T>>> + Send,
    {
        let wait = Wait::since(now);
        loop {
            let questions = match ask(wait.now()).await? {
                Known::Yes(answer) => return Ok(answer),
                Known::Restore(questions) => questions,
                Known::Restoring => Vec::new(),
            };
            if !self.catch_up(questions, &wait).await {
                return Err(LimiterUnavailable("the ledger can't be read".to_owned()));
            }
        }
    }

    /// Has the questions answered, or waits for whoever does. False = it is not worth waiting any longer.
    async fn catch_up(&self, questions: Vec<Restore>, wait: &Wait) -> bool {
        let left = wait.left();
        let was_away = self.inner.is_away.load(Ordering::Relaxed);
        let answered = (!questions.is_empty()).then(|| {
            let (done, answered) = oneshot::channel();
            let (inner, now) = (Arc::clone(&self.inner), wait.now());
            self.tasks.spawn(async move {
                inner.answer_all(questions, now).await;
                // Nobody may be waiting any more.
                let _ = done.send(());
            });
            answered
        });
        if was_away || left.is_zero() {
            return false;
        }
        if let Some(answered) = answered {
            timeout(left, answered).await.is_ok() && !self.inner.is_away.load(Ordering::Relaxed)
        } else {
            sleep(ASK_AGAIN.min(left)).await;
            true
        }
    }
}

impl Inner {
    async fn answer_all(&self, questions: Vec<Restore>, now: Timestamp) {
        // With the database away, those who try are few and nobody waits for them.
        let is_away = self.is_away.load(Ordering::Relaxed);
        let probe = is_away.then(|| self.probes.try_acquire());
        if matches!(probe, Some(Err(_))) {
            return;
        }
        let begun = Instant::now();
        let read = async {
            let before = questions.iter().map(|question| question.before).max().unwrap_or(now);
            if !self.ledger.settle(before, self.counters.is_shared(), PATIENCE).await {
                return Err("the journal is not in the database yet".to_owned());
            }
            let answers = questions.iter().map(|question| self.answer(question, now));
            join_all(answers).await.into_iter().collect()
        };
        let read = timeout(PATIENCE, read).await;
        let outcome: std::result::Result<(), String> =
            read.unwrap_or_else(|_| Err("the database does not answer in time".to_owned()));
        self.note(outcome.err(), begun.elapsed());
    }

    async fn answer(&self, question: &Restore, now: Timestamp) -> std::result::Result<(), String> {
        let _permit = self.readers.acquire().await.map_err(|error| error.to_string())?;
        let past = self.ledger.past(question).await?;
        // Counters that can't take it will ask again.
        self.counters.restore(question, &past, now).await.map_err(|error| error.to_string())
    }

    /// One line for each change of state.
    fn note(&self, failure: Option<String>, took: Duration) {
        let was_away = self.is_away.swap(failure.is_some(), Ordering::Relaxed);
        match failure {
            Some(reason) if !was_away => {
                tracing::warn!(
                    reason,
                    "limits whose counters are unknown do not hold until the ledger is read"
                );
            }
            None if was_away => {
                tracing::info!(ms = took.as_millis(), "the ledger is read: limits hold again");
            }
            _ => {}
        }
    }
}

/// How long somebody has been waiting. Time goes on meanwhile.
struct Wait {
    began: Timestamp,
    begun: Instant,
}

impl Wait {
    fn since(now: Timestamp) -> Self {
        Self { began: now, begun: Instant::now() }
    }

    fn now(&self) -> Timestamp {
        let waited = SignedDuration::try_from(self.begun.elapsed()).unwrap_or_default();
        self.began.checked_add(waited).unwrap_or(self.began)
    }

    fn left(&self) -> Duration {
        PATIENCE.saturating_sub(self.begun.elapsed())
    }
}

#[async_trait]
impl RateLimiter for RestoringLimiter {
    async fn admit(&self, admission: &Admission<'_>, now: Timestamp) -> Result<Known<Verdict>> {
        let ask = |now| self.counters().admit(admission, now);
        self.until_known(now, ask).await.map(Known::Yes)
    }

    fn refresh(&self, ticket: Ticket, now: Timestamp) {
        self.counters().refresh(ticket, now);
    }

    fn settle(&self, ticket: Ticket, actual: Amount, now: Timestamp) {
        self.counters().settle(ticket, actual, now);
    }

    fn release(&self, ticket: Ticket, now: Timestamp) {
        self.counters().release(ticket, now);
    }

    fn charge(&self, attempt: AttemptId, payer: Payer, actual: Amount, now: Timestamp) {
        self.counters().charge(attempt, payer, actual, now);
    }

    /// A provider whose counters stay unknown has room.
    async fn room(&self, providers: &[(ProviderId, Limits<'_>)], now: Timestamp) -> Result<Vec<Room>> {
        let wait = Wait::since(now);
        loop {
            let mut rooms = self.counters().room(providers, wait.now()).await?;
            let mut questions = Vec::new();
            let mut is_known = true;
            for room in &mut rooms {
                is_known &= matches!(room, Known::Yes(_));
                if let Known::Restore(of_one) = room {
                    questions.append(of_one);
                }
            }
            if is_known || !self.catch_up(questions, &wait).await {
                let known = |room| if matches!(room, Known::Yes(_)) { room } else { Known::Yes(None) };
                return Ok(rooms.into_iter().map(known).collect());
            }
        }
    }

    async fn usage(
        &self,
        owner: Owner,
        limits: Limits<'_>,
        now: Timestamp,
    ) -> Result<Known<Vec<WindowUsage>>> {
        let ask = |now| self.counters().usage(owner, limits, now);
        self.until_known(now, ask).await.map(Known::Yes)
    }

    async fn restore(&self, question: &Restore, answer: &[Past], now: Timestamp) -> Result<()> {
        self.counters().restore(question, answer, now).await
    }

    fn outdate(&self, owner: Owner, at: Timestamp) {
        self.counters().outdate(owner, at);
    }

    async fn reset(&self, owner: Owner, at: Timestamp) -> Result<()> {
        self.counters().reset(owner, at).await
    }

    fn is_shared(&self) -> bool {
        self.counters().is_shared()
    }

    async fn sweep(&self, now: Timestamp) {
        self.counters().sweep(now).await;
    }
}
