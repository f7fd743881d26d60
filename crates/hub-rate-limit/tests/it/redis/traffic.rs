//! Requests of some people, 200 a second, over one limiter or several, with a ledger at their side.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hub_rate_limit::{
    Amount, FallbackRateLimiter, Known, MemoryLimits, MemoryRateLimiter, Owner, Quantity, RateLimiter,
    RedisLimits, RedisRateLimiter, Restore, Verdict,
};
use hub_redis::{RedisConnection, RedisSettings};
use hub_types::Money;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

use super::{connect_with, until, utc};
use crate::contract::{Person, noon, total};
use crate::ledger::{Entry, Ledger};

/// What a request costs.
const COST: i64 = 10_000_000;
const PEOPLE: usize = 8;
/// Nobody waits for anything near this.
const HANG: Duration = Duration::from_secs(10);

/// An instance of the hub.
pub(crate) struct Instance {
    pub(crate) limiter: FallbackRateLimiter,
    pub(crate) connection: Arc<RedisConnection>,
}

pub(crate) async fn instance(url: &str, bounds: RedisLimits) -> Arc<Instance> {
    let connection = connect_with(url, RedisSettings::default()).await;
    let shared = RedisRateLimiter::new(Arc::clone(&connection), bounds, utc());
    let local = MemoryRateLimiter::new(MemoryLimits::default(), utc(), noon());
    Arc::new(Instance { limiter: FallbackRateLimiter::new(shared, local), connection })
}

/// What became of the requests of a while.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) admitted: usize,
    pub(crate) refused: usize,
    /// How long each waited to be let in, without the time that the ledger took.
    pub(crate) waits: Vec<Duration>,
    /// How long a limiter in memory took at the same time.
    pub(crate) plain: Vec<Duration>,
}

pub(crate) struct Traffic {
    people: Vec<Person>,
    ledger: Mutex<Ledger>,
    plain: MemoryRateLimiter,
    begin: Instant,
}

impl Traffic {
    /// People who may spend this much each.
    pub(crate) fn new(limit: &str) -> Arc<Self> {
        let person = |_| {
            Person { user_money: total(limit), key_money: total(limit), ..Person::new() }.expecting("0.01")
        };
        let people = (0..PEOPLE).map(person).collect();
        let memory = MemoryLimits { has_ledger: false, ..MemoryLimits::default() };
        let plain = MemoryRateLimiter::new(memory, utc(), noon());
        Arc::new(Self { people, ledger: Mutex::default(), plain, begin: Instant::now() })
    }

    pub(crate) fn now(&self) -> Timestamp {
        noon() + SignedDuration::try_from(self.begin.elapsed()).unwrap()
    }

    async fn answer(&self, instance: &Instance, questions: &[Restore]) {
        for question in questions {
            let answer = self.ledger.lock().answer(question);
            instance.limiter.restore(question, &answer, self.now()).await.unwrap();
        }
    }

    /// One request from its beginning to its end.
    async fn request(&self, instance: &Instance, number: usize) -> Outcome {
        let person = &self.people[number % PEOPLE];
        let ticket = person.ticket();
        let mut outcome = Outcome::default();
        let asked = Instant::now();
        let _ = self.plain.admit(&person.admission(ticket), self.now()).await.unwrap();
        outcome.plain.push(asked.elapsed());
        let mut waited = Duration::ZERO;
        loop {
            let asked = Instant::now();
            let known = instance.limiter.admit(&person.admission(ticket), self.now()).await.unwrap();
            waited += asked.elapsed();
            match known {
                Known::Yes(Verdict::Admitted) => break,
                Known::Yes(Verdict::Refused(_)) => {
                    outcome.refused += 1;
                    return outcome;
                }
                Known::Restore(questions) => self.answer(instance, &questions).await,
                Known::Restoring => sleep(Duration::from_millis(2)).await,
            }
        }
        outcome.waits.push(waited);
        outcome.admitted += 1;
        sleep(Duration::from_millis(15)).await;
        let owners = [person.key_owner(), Owner::User(person.user)];
        let actual = Amount { money: Money::from_nanos(COST), tokens: 1 };
        let entry = Entry::Charge { nanos: COST, tokens: 1 };
        {
            // The ledger has a line before anybody reads whose question is later.
            let mut ledger = self.ledger.lock();
            let now = self.now();
            ledger.write(&owners, now, entry);
            instance.limiter.settle(ticket, actual, now);
        }
        self.plain.settle(ticket, actual, self.now());
        outcome
    }

    /// 200 requests a second for a while, by turns at these instances.
    pub(crate) async fn flow(self: &Arc<Self>, instances: &[Arc<Instance>], span: Duration) -> Outcome {
        let mut tick = interval(Duration::from_millis(5));
        let (mut requests, mut total) = (JoinSet::new(), Outcome::default());
        let end = Instant::now() + span;
        let mut number = 0;
        while Instant::now() < end {
            tick.tick().await;
            let (traffic, instance) = (Arc::clone(self), Arc::clone(&instances[number % instances.len()]));
            let person = number / instances.len();
            requests.spawn(async move { traffic.request(&instance, person).await });
            number += 1;
        }
        while let Some(outcome) = requests.join_next().await {
            let outcome = outcome.unwrap();
            total.admitted += outcome.admitted;
            total.refused += outcome.refused;
            total.waits.extend(outcome.waits);
            total.plain.extend(outcome.plain);
        }
        total
    }

    /// What the ledger has of a person.
    pub(crate) fn spent(&self, person: &Person) -> i64 {
        let ledger = self.ledger.lock();
        ledger.amounts(person.key_owner(), hub_rate_limit::Slot::Total).map(|(_, nanos)| nanos).sum()
    }

    pub(crate) fn people(&self) -> &[Person] {
        &self.people
    }

    /// Every counter in Redis says what the ledger says, and nothing is reserved any more.
    pub(crate) async fn check_sums(&self, instance: &Instance) {
        assert!(instance.limiter.shared().flush(super::PATIENCE).await);
        until("Redis is told everything", || async { !instance.limiter.shared().writes().is_behind }).await;
        for person in &self.people {
            for owner in [person.key_owner(), Owner::User(person.user)] {
                let shared = instance.limiter.shared();
                let usage = loop {
                    match shared.usage(owner, person.key_limits(), self.now()).await.unwrap() {
                        Known::Yes(usage) => break usage,
                        Known::Restore(questions) => self.answer(instance, &questions).await,
                        Known::Restoring => sleep(Duration::from_millis(2)).await,
                    }
                };
                let expected = Quantity::Money(Money::from_nanos(self.spent(person)));
                assert_eq!((usage[0].used, usage[0].reserved), (expected, Quantity::Money(Money::ZERO)));
            }
        }
    }
}

/// The 99th of a hundred.
pub(crate) fn p99(waits: &[Duration]) -> Duration {
    let mut waits = waits.to_vec();
    waits.sort_unstable();
    waits[waits.len() * 99 / 100]
}

/// Says how long requests waited. A test machine that is busy with something else makes everybody wait: what
/// counts is what is added; and only what is near a hang fails.
pub(crate) fn tell(what: &str, outcome: &Outcome) {
    let (p99, plain) = (p99(&outcome.waits), p99(&outcome.plain));
    println!("{what}: 99 of 100 waited up to {p99:?}, {:?} more than in memory", p99.saturating_sub(plain));
    assert!(outcome.waits.iter().all(|wait| *wait < HANG), "{what}: {:?}", outcome.waits.iter().max());
}

pub(crate) async fn is_back(instance: &Instance) {
    let shared = instance.limiter.shared();
    let answers = || async {
        let limits = total("1");
        let limits = hub_rate_limit::Limits { rpm: None, money: &limits, tokens: None };
        !shared.writes().is_behind
            && shared.room(&[(hub_types::ProviderId(999), limits)], noon()).await.is_ok()
    };
    until("Redis is back", answers).await;
}
