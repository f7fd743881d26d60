//! Counters in this process: bounded, exact, and gone with the process (the ledger has them).
//!
//! Owners are spread over shards by user, so that the counters of a key and of its user change under one lock;
//! what is done under it takes some hundred nanoseconds. `shard` has the rules of admission and settlement,
//! `owners` what is counted for whom, `reservations` what is in flight, `recent` the charges that are in.

mod owners;
mod recent;
mod reservations;
mod shard;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
#[cfg(feature = "redis")]
use hub_types::RequestId;
use hub_types::{AttemptId, ProviderId, UserId};
use jiff::Timestamp;
use parking_lot::Mutex;

use crate::calendar::Calendar;
#[cfg(feature = "redis")]
use crate::counter::Counter;
use crate::judge::{Amount, BudgetMode};
use crate::limit::{Limits, Owner};
use crate::limiter::{
    Admission, Known, LimiterUnavailable, Payer, RESERVATION_TTL, RateLimiter, Room, Ticket, Verdict,
    WindowUsage,
};
use crate::restore::{Past, Restore};
use crate::rule::rules;
use crate::time::{ms, span};

use recent::Charged;
pub(crate) use shard::Asked;
use shard::Shard;

const SHARDS: usize = 16;

/// The bounds of a [`MemoryRateLimiter`].
#[derive(Debug, Clone, Copy)]
pub struct MemoryLimits {
    /// Owners remembered at once. Those whose requests are in flight are never dropped, even if they are more.
    pub max_owners: usize,
    /// An owner is dropped when nothing was heard of it for this long.
    pub idle: Duration,
    /// Requests in flight at once. Beyond, admissions fail.
    pub max_reservations: usize,
    /// How long a reservation lasts by itself.
    pub reservation_ttl: Duration,
    /// Is there a ledger to restore counters from? Without one, counters start at zero.
    pub has_ledger: bool,
}

impl Default for MemoryLimits {
    fn default() -> Self {
        Self {
            max_owners: 200_000,
            idle: Duration::from_secs(3600),
            max_reservations: 1_000_000,
            reservation_ttl: RESERVATION_TTL,
            has_ledger: true,
        }
    }
}

/// Limits counted in this process. See the module's documentation.
pub struct MemoryRateLimiter {
    calendar: Arc<Calendar>,
    shards: [Mutex<Shard>; SHARDS],
}

impl MemoryRateLimiter {
    /// Counts from now on.
    pub fn new(bounds: MemoryLimits, calendar: Arc<Calendar>, now: Timestamp) -> Self {
        let bounds = shard::Bounds {
            owners: bounds.max_owners.div_ceil(SHARDS),
            idle: span(bounds.idle),
            reservations: bounds.max_reservations.div_ceil(SHARDS),
            reservation_ttl: span(bounds.reservation_ttl),
            has_ledger: bounds.has_ledger,
        };
        Self { calendar, shards: std::array::from_fn(|_| Mutex::new(Shard::new(bounds, ms(now)))) }
    }

    /// How many owners are remembered.
    pub fn owners(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().owners()).sum()
    }

    /// How many requests have a reservation.
    pub fn reservations(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().reservations()).sum()
    }

    fn shard(&self, owner: Owner) -> &Mutex<Shard> {
        let number = match owner {
            Owner::User(user) | Owner::Key(user, _) => user.0,
            Owner::Provider(provider) => provider.0,
        };
        // Row ids are dense: their last bits spread well enough.
        let [first, ..] = number.to_le_bytes();
        &self.shards[usize::from(first) % SHARDS]
    }

    /// Takes over how a shared limiter says that the limits of some owners in one shard stand, and books the
    /// request that it let in.
    #[cfg(feature = "redis")]
    pub(crate) fn take_over(
        &self,
        booking: Option<(RequestId, Amount)>,
        told: &[(Asked, Vec<Counter>)],
        now: Timestamp,
    ) {
        if let Some((first, _)) = told.first() {
            self.shard(first.owner).lock().take_over(booking, told, ms(now));
        }
    }

    fn of_user(&self, user: UserId) -> &Mutex<Shard> {
        self.shard(Owner::User(user))
    }
}

#[async_trait]
impl RateLimiter for MemoryRateLimiter {
    async fn admit(
        &self,
        admission: &Admission<'_>,
        now: Timestamp,
    ) -> Result<Known<Verdict>, LimiterUnavailable> {
        let now = ms(now);
        let Ticket { user, key, .. } = admission.ticket;
        let asked = [
            Asked { owner: Owner::Key(user, key), rules: rules(admission.key, &self.calendar, now) },
            Asked { owner: Owner::User(user), rules: rules(admission.user, &self.calendar, now) },
        ];
        self.of_user(user).lock().admit(
            admission.ticket.request,
            &asked,
            admission.reserved(),
            admission.mode,
            now,
        )
    }

    fn refresh(&self, ticket: Ticket, now: Timestamp) {
        self.of_user(ticket.user).lock().refresh(ticket.request, ms(now));
    }

    fn settle(&self, ticket: Ticket, actual: Amount, now: Timestamp) {
        let Ticket { request, user, key } = ticket;
        let mut shard = self.of_user(user).lock();
        shard.release(request, ms(now));
        let owners = [Owner::Key(user, key), Owner::User(user)];
        shard.charge(Charged::Request(request), &owners, actual, ms(now));
    }

    fn release(&self, ticket: Ticket, now: Timestamp) {
        self.of_user(ticket.user).lock().release(ticket.request, ms(now));
    }

    fn charge(&self, attempt: AttemptId, payer: Payer, actual: Amount, now: Timestamp) {
        match payer {
            Payer::Provider(id) => {
                let owner = Owner::Provider(id);
                self.shard(owner).lock().charge(Charged::Provider(attempt), &[owner], actual, ms(now));
            }
            Payer::Caller(user, key) => {
                let owners = [Owner::Key(user, key), Owner::User(user)];
                self.of_user(user).lock().charge(Charged::Caller(attempt), &owners, actual, ms(now));
            }
        }
    }

    async fn room(
        &self,
        providers: &[(ProviderId, Limits<'_>)],
        now: Timestamp,
    ) -> Result<Vec<Room>, LimiterUnavailable> {
        let now = ms(now);
        let room = |(id, limits): &(ProviderId, Limits<'_>)| {
            let asked = Asked { owner: Owner::Provider(*id), rules: rules(*limits, &self.calendar, now) };
            // Nothing is reserved at providers, so there is room as long as anything is left.
            self.shard(asked.owner).lock().look(&asked, Amount::default(), BudgetMode::Balanced, now)
        };
        Ok(providers.iter().map(room).collect())
    }

    async fn usage(
        &self,
        owner: Owner,
        limits: Limits<'_>,
        now: Timestamp,
    ) -> Result<Known<Vec<WindowUsage>>, LimiterUnavailable> {
        let now = ms(now);
        let asked = Asked { owner, rules: rules(limits, &self.calendar, now) };
        Ok(self.shard(owner).lock().usage(&asked, now))
    }

    async fn restore(
        &self,
        question: &Restore,
        answer: &[Past],
        now: Timestamp,
    ) -> Result<(), LimiterUnavailable> {
        self.shard(question.owner).lock().restore(question, answer, ms(now));
        Ok(())
    }

    /// A process reads the ledger when its own lines are in it. What others wrote late is told to what is shared.
    fn outdate(&self, _owner: Owner, _at: Timestamp) {}

    async fn reset(&self, owner: Owner, at: Timestamp) -> Result<(), LimiterUnavailable> {
        self.shard(owner).lock().reset(owner, ms(at));
        Ok(())
    }

    fn is_shared(&self) -> bool {
        false
    }

    async fn sweep(&self, now: Timestamp) {
        for shard in &self.shards {
            shard.lock().sweep(ms(now));
        }
    }
}
