//! What an admission and a settlement in memory take, and what an owner of counters does:
//! `cargo run --release -p hub-rate-limit --example limiter`. Linux only: it reads `/proc/self/statm`.
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use hub_rate_limit::{
    Admission, Amount, BudgetMode, Calendar, Known, Limits, MemoryLimits, MemoryRateLimiter, RateLimiter,
    Restore, Ticket, Verdict,
};
use hub_types::{KeyId, Money, MoneyLimits, RequestId, UserId};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

const USERS: i64 = 100_000;
/// A step through all users that is not in the order of their memory.
const STRIDE: i64 = 61_803;
const ROUNDS: i64 = 9;
const PAGE: usize = 4096;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * PAGE
}

/// The limiter in memory never waits.
fn at_once<T>(work: impl Future<Output = T>) -> Outcome<T> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Ok(done),
        Poll::Pending => Err("it waits".into()),
    }
}

/// Every user has a key, and every window of both is limited.
struct Crowd {
    limiter: MemoryRateLimiter,
    money: MoneyLimits,
    cost: Amount,
}

impl Crowd {
    fn new(now: Timestamp) -> Self {
        let limit = Some(Money::from_usd(1_000));
        let money = MoneyLimits {
            limit_5h_usd: limit,
            limit_daily_usd: limit,
            limit_weekly_usd: limit,
            limit_monthly_usd: limit,
            limit_total_usd: limit,
            ..MoneyLimits::default()
        };
        let calendar = Arc::new(Calendar::new(TimeZone::UTC));
        let bounds = MemoryLimits { max_owners: 400_000, ..MemoryLimits::default() };
        let cost = Amount { money: Money::from_nanos(20_000_000), tokens: 5_000 };
        Self { limiter: MemoryRateLimiter::new(bounds, calendar, now), money, cost }
    }

    fn tickets() -> Vec<Ticket> {
        let ticket = |number| {
            let id = number * STRIDE % USERS;
            Ticket { request: RequestId::fresh(), user: UserId(1 + id), key: KeyId(1 + id) }
        };
        (0..USERS).map(ticket).collect()
    }

    fn admit(&self, ticket: Ticket, now: Timestamp) -> Outcome<Known<Verdict>> {
        let user = Limits { rpm: Some(1_000), money: &self.money, tokens: None };
        let admission = Admission {
            ticket,
            user,
            key: Limits { tokens: Some(1_000_000_000), ..user },
            estimate: self.cost,
            worst_case: self.cost,
            mode: BudgetMode::Balanced,
        };
        Ok(at_once(self.limiter.admit(&admission, now))??)
    }

    fn restore(&self, questions: &[Restore], now: Timestamp) -> Outcome<()> {
        for question in questions {
            at_once(self.limiter.restore(question, &question.nothing(), now))??;
        }
        Ok(())
    }
}

/// Sorted, to tell the middle and the worst.
fn per_request(mut rounds: Vec<Duration>) -> (Duration, Duration) {
    rounds.sort();
    let each = |round: Option<&Duration>| round.map_or(Duration::ZERO, |round| *round / 100_000);
    (each(rounds.get(rounds.len() / 2)), each(rounds.last()))
}

fn main() -> Outcome<()> {
    let mut now: Timestamp = "2026-06-10T12:00:00Z".parse()?;
    let before = resident();
    let crowd = Crowd::new(now);
    for ticket in Crowd::tickets() {
        if let Known::Restore(questions) = crowd.admit(ticket, now)? {
            crowd.restore(&questions, now)?;
        }
    }
    let (mut admissions, mut settlements) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // Another minute, so that rolling windows get another bucket.
        now += SignedDuration::from_secs(61);
        let tickets = Crowd::tickets();
        let start = Instant::now();
        for ticket in &tickets {
            if crowd.admit(*ticket, now)? != Known::Yes(Verdict::Admitted) {
                return Err("it is not admitted".into());
            }
        }
        admissions.push(start.elapsed());
        let start = Instant::now();
        for ticket in &tickets {
            crowd.limiter.settle(*ticket, crowd.cost, now);
        }
        settlements.push(start.elapsed());
    }
    let owners = crowd.limiter.owners();
    let grown = resident().saturating_sub(before);
    println!("{owners} owners: {} bytes each (resident)", grown / owners.max(1));
    for (name, rounds) in [("admission", admissions), ("settlement", settlements)] {
        let (middle, worst) = per_request(rounds);
        println!("{name}: {middle:?} each (median of {ROUNDS} rounds; worst {worst:?})");
    }
    Ok(())
}
