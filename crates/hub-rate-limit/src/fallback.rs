//! Limits in Redis with this process to fall back on: requests never fail because of Redis, and limits go on.
//!
//! Redis is believed when it answers. Memory follows: it takes over from every answer how limits stand, and is told
//! of all that is told to Redis; so it knows what was last known when Redis goes away, and whom it does not know
//! it reads from the ledger. What happens meanwhile waits for Redis, which is believed again when it has all of
//! it (see the writer's documentation for what does not fit).

use std::time::Duration;

use async_trait::async_trait;
use hub_types::{AttemptId, ProviderId};
use jiff::Timestamp;

use crate::counter::Counter;
use crate::judge::Amount;
use crate::limit::{Limits, Owner};
use crate::limiter::{
    Admission, Known, LimiterUnavailable, Payer, RateLimiter, Room, Ticket, Verdict, WindowUsage,
};
use crate::memory::MemoryRateLimiter;
use crate::redis::{RedisRateLimiter, Told};
use crate::restore::{Past, Restore};

type Result<T> = std::result::Result<T, LimiterUnavailable>;

/// See the module's documentation.
pub struct FallbackRateLimiter {
    shared: RedisRateLimiter,
    local: MemoryRateLimiter,
}

impl FallbackRateLimiter {
    /// `local` is this process's memory; both follow the same calendar.
    pub fn new(shared: RedisRateLimiter, local: MemoryRateLimiter) -> Self {
        Self { shared, local }
    }

    /// The limiter in Redis.
    pub fn shared(&self) -> &RedisRateLimiter {
        &self.shared
    }

    /// This process's memory.
    pub fn local(&self) -> &MemoryRateLimiter {
        &self.local
    }

    /// Sends what waits to be written, at most for the patience.
    pub async fn close(&self, patience: Duration) {
        self.shared.close(patience).await;
    }
}

fn counters(told: Vec<Told>) -> Vec<Counter> {
    told.into_iter().map(|told| told.counter).collect()
}

#[async_trait]
impl RateLimiter for FallbackRateLimiter {
    async fn admit(&self, admission: &Admission<'_>, now: Timestamp) -> Result<Known<Verdict>> {
        // As long as Redis does not know what happened without it, memory knows better.
        let is_asked = !self.shared.is_behind();
        if is_asked && let Ok(admitted) = self.shared.try_admit(admission, now).await {
            let told: Vec<_> =
                admitted.told.into_iter().map(|(asked, told)| (asked, counters(told))).collect();
            self.local.take_over(Some((admission.ticket.request, admission.reserved())), &told, now);
            return Ok(admitted.verdict);
        }
        let verdict = self.local.admit(admission, now).await;
        match verdict {
            Ok(Known::Yes(Verdict::Admitted)) => self.shared.book(admission, now),
            // Redis may have let it in, and its answer came too late.
            Ok(_) if is_asked => self.shared.release(admission.ticket, now),
            Ok(_) | Err(_) => {}
        }
        verdict
    }

    fn refresh(&self, ticket: Ticket, now: Timestamp) {
        self.local.refresh(ticket, now);
        self.shared.refresh(ticket, now);
    }

    fn settle(&self, ticket: Ticket, actual: Amount, now: Timestamp) {
        self.local.settle(ticket, actual, now);
        self.shared.settle(ticket, actual, now);
    }

    fn release(&self, ticket: Ticket, now: Timestamp) {
        self.local.release(ticket, now);
        self.shared.release(ticket, now);
    }

    fn charge(&self, attempt: AttemptId, payer: Payer, actual: Amount, now: Timestamp) {
        self.local.charge(attempt, payer, actual, now);
        self.shared.charge(attempt, payer, actual, now);
    }

    async fn room(&self, providers: &[(ProviderId, Limits<'_>)], now: Timestamp) -> Result<Vec<Room>> {
        if !self.shared.is_behind()
            && let Ok(looked) = self.shared.look(providers, now).await
        {
            let mut rooms = Vec::with_capacity(looked.len());
            for (asked, room, told) in looked {
                if !told.is_empty() {
                    self.local.take_over(None, &[(asked, counters(told))], now);
                }
                rooms.push(room);
            }
            return Ok(rooms);
        }
        self.local.room(providers, now).await
    }

    async fn usage(
        &self,
        owner: Owner,
        limits: Limits<'_>,
        now: Timestamp,
    ) -> Result<Known<Vec<WindowUsage>>> {
        if !self.shared.is_behind()
            && let Ok(usage) = self.shared.usage(owner, limits, now).await
        {
            return Ok(usage);
        }
        self.local.usage(owner, limits, now).await
    }

    /// Whoever did not ask leaves the answer alone.
    async fn restore(&self, question: &Restore, answer: &[Past], now: Timestamp) -> Result<()> {
        let local = self.local.restore(question, answer, now).await;
        if !self.shared.is_behind() {
            // What Redis could not be told it will ask again.
            let _ = self.shared.restore(question, answer, now).await;
        }
        local
    }

    fn outdate(&self, owner: Owner, at: Timestamp) {
        self.local.outdate(owner, at);
        self.shared.outdate(owner, at);
    }

    async fn reset(&self, owner: Owner, at: Timestamp) -> Result<()> {
        let local = self.local.reset(owner, at).await;
        // If Redis is away, the next admission tells it, as the owner's row does.
        let _ = self.shared.reset(owner, at).await;
        local
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn sweep(&self, now: Timestamp) {
        self.local.sweep(now).await;
        self.shared.sweep(now).await;
    }
}
