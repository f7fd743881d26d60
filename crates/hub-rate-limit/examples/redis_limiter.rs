//! What limits in Redis take, beside a plain `GET`:
//! `cargo run --release -p hub-rate-limit --features redis --example redis_limiter -- redis://127.0.0.1:6379`.
//! Without an address it starts a Redis of its own.
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hub_rate_limit::{
    Admission, Amount, BudgetMode, Calendar, Known, Limits, Payer, RateLimiter, RedisLimits,
    RedisRateLimiter, Ticket,
};
use hub_redis::{Batch, RedisConnection, RedisSettings, RedisUrl};
use hub_testkit::Redis;
use hub_types::{AttemptId, KeyId, Money, MoneyLimits, ProviderId, RequestId, UserId};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

const ROUNDS: i64 = 3_000;
const USERS: i64 = 500;
const PROVIDERS: i64 = 10;
const PATIENCE: Duration = Duration::from_secs(10);

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A limiter in Redis, and limits on everything.
struct Bench {
    limiter: RedisRateLimiter,
    connection: Arc<RedisConnection>,
    money: MoneyLimits,
    cost: Amount,
    begin: Timestamp,
}

impl Bench {
    fn limits(&self) -> Limits<'_> {
        Limits { rpm: Some(1_000_000), money: &self.money, tokens: Some(u64::MAX) }
    }

    fn ticket(number: i64) -> Ticket {
        let id = 1 + number % USERS;
        Ticket { request: RequestId::fresh(), user: UserId(id), key: KeyId(id) }
    }

    /// A request every 20 ms.
    fn at(&self, number: i64) -> Timestamp {
        self.begin + SignedDuration::from_millis(20 * number)
    }

    async fn admit(&self, ticket: Ticket, now: Timestamp) -> Outcome<()> {
        let admission = Admission {
            ticket,
            user: Limits { tokens: None, ..self.limits() },
            key: self.limits(),
            estimate: self.cost,
            worst_case: self.cost,
            mode: BudgetMode::Balanced,
        };
        match self.limiter.admit(&admission, now).await? {
            Known::Yes(_) => Ok(()),
            Known::Restore(questions) => {
                for question in questions {
                    self.limiter.restore(&question, &question.nothing(), now).await?;
                }
                self.limiter.admit(&admission, now).await?;
                Ok(())
            }
            Known::Restoring => Err("nobody else is here".into()),
        }
    }

    async fn written(&self) -> Outcome<()> {
        if self.limiter.flush(PATIENCE).await { Ok(()) } else { Err("not written in time".into()) }
    }
}

/// Does it again and again, and prints the median, the 90th and the 99th percentile.
async fn measure(name: &str, mut work: impl AsyncFnMut(i64) -> Outcome<()>) -> Outcome<()> {
    let mut times = Vec::new();
    for number in 0..ROUNDS {
        let start = Instant::now();
        work(number).await?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).map_or(0, Duration::as_micros);
    println!("| {name} | {} | {} | {} |", at(50), at(90), at(99));
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let own = if std::env::args().len() > 1 { None } else { Some(Redis::start().await?) };
    let url = own.as_ref().map(Redis::url).or_else(|| std::env::args().nth(1)).unwrap_or_default();
    let settings = RedisSettings { command_timeout: PATIENCE, ..RedisSettings::default() };
    let connection = Arc::new(RedisConnection::connect(&RedisUrl::parse(&url)?, settings, None).await?);
    let calendar = Arc::new(Calendar::new(TimeZone::UTC));
    let limiter = RedisRateLimiter::new(Arc::clone(&connection), RedisLimits::default(), calendar);
    let limit = Some(Money::from_usd(1_000_000));
    let money = MoneyLimits {
        limit_5h_usd: limit,
        limit_daily_usd: limit,
        limit_weekly_usd: limit,
        limit_monthly_usd: limit,
        limit_total_usd: limit,
        ..MoneyLimits::default()
    };
    let cost = Amount { money: Money::from_nanos(20_000_000), tokens: 5_000 };
    let begin = "2026-06-10T12:00:00Z".parse()?;
    let bench = Bench { limiter, connection, money, cost, begin };
    for number in 0..USERS {
        let ticket = Bench::ticket(number);
        bench.admit(ticket, bench.at(0)).await?;
        bench.limiter.settle(ticket, bench.cost, bench.at(0));
    }
    bench.written().await?;

    println!("| µs | p50 | p90 | p99 |\n| --- | --: | --: | --: |");
    measure("a plain `GET`", async |_| {
        let mut batch = Batch::new();
        batch.command("GET", "some:key", []);
        bench.connection.run(batch).await?;
        Ok(())
    })
    .await?;
    let tickets: Vec<Ticket> = (0..ROUNDS).map(Bench::ticket).collect();
    let ticket = |number: i64| usize::try_from(number).ok().and_then(|at| tickets.get(at)).copied();
    measure("admission: 6 limits of the user, 7 of the key", async |number| match ticket(number) {
        Some(ticket) => bench.admit(ticket, bench.at(number)).await,
        None => Err("no ticket".into()),
    })
    .await?;
    measure("settlement, until it is written", async |number| match ticket(number) {
        Some(ticket) => {
            bench.limiter.settle(ticket, bench.cost, bench.at(ROUNDS + number));
            bench.written().await
        }
        None => Err("no ticket".into()),
    })
    .await?;
    measure("settlement, as a request sees it", async |number| {
        bench.limiter.settle(Bench::ticket(number), bench.cost, bench.at(2 * ROUNDS + number));
        Ok(())
    })
    .await?;
    bench.written().await?;
    let providers: Vec<_> = (0..PROVIDERS)
        .map(|id| (ProviderId(id), Limits { rpm: None, tokens: None, ..bench.limits() }))
        .collect();
    for known in bench.limiter.room(&providers, bench.at(0)).await? {
        let Known::Restore(questions) = known else { continue };
        for question in questions {
            bench.limiter.restore(&question, &question.nothing(), bench.at(0)).await?;
        }
    }
    for number in 0..ROUNDS {
        let payer = Payer::Provider(ProviderId(number % PROVIDERS));
        bench.limiter.charge(AttemptId::fresh(), payer, bench.cost, bench.at(number));
    }
    bench.written().await?;
    measure("room of ten providers with 5 limits each", async |number| {
        bench.limiter.room(&providers, bench.at(ROUNDS + number)).await?;
        Ok(())
    })
    .await?;
    bench.limiter.close(PATIENCE).await;
    drop(own);
    Ok(())
}
