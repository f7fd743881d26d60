//! Counters that come back from the ledger, on a real database and a real journal.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hub_http::Tasks;
use hub_rate_limit::{
    Admission, Amount, BudgetMode, Calendar, Known, Limits, MemoryLimits, MemoryRateLimiter, Owner, Quantity,
    RateLimiter, Ticket, Verdict,
};
use hub_repository::journal::{Drain, Journal, JournalSettings};
use hub_repository::{Repository, Sealer, SqliteRepository, SqliteSettings};
use hub_types::{
    Attempt, AttemptId, AttemptReason, Clock, Dialect, Endpoint, KeyId, Money, MoneyLimits, Multiplier,
    Outcome, ProviderId, ProviderType, RequestId, RequestRecord, ResetMode, SystemClock, Timings, Usage,
    UsageSource, UserId,
};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{Ledger, RestoringLimiter};

const USER: UserId = UserId(1);
const KEY: KeyId = KeyId(2);
const PROVIDER: ProviderId = ProviderId(3);

/// A hub's storage, as far as limits see it.
struct Storage {
    ledger: Ledger,
    tasks: Tasks,
    drain_stop: CancellationToken,
    _directory: TempDir,
}

impl Storage {
    async fn open() -> Self {
        let directory = TempDir::new().unwrap();
        let settings = SqliteSettings::new(directory.path().join("hub.db"), Sealer::new([7; 32]));
        let repository: Arc<dyn Repository> = Arc::new(SqliteRepository::open(settings).await.unwrap());
        let (journal, _) =
            Journal::open(&directory.path().join("journal"), JournalSettings::default()).unwrap();
        let ledger = Ledger { repository, journal: Arc::new(journal), clock: Arc::new(SystemClock) };
        Self { ledger, tasks: Tasks::new(), drain_stop: CancellationToken::new(), _directory: directory }
    }

    fn drain(&self) {
        let Ledger { repository, journal, .. } = self.ledger.clone();
        self.tasks.spawn(Drain::new(journal, repository).run(self.drain_stop.clone()));
    }

    /// A hub that has just started.
    fn limiter(&self) -> RestoringLimiter {
        let calendar = Arc::new(Calendar::new(TimeZone::UTC));
        let counters = Arc::new(MemoryRateLimiter::new(MemoryLimits::default(), calendar, now()));
        RestoringLimiter::new(counters, self.ledger.clone(), self.tasks.clone())
    }

    async fn close(self) {
        self.drain_stop.cancel();
        assert_eq!(self.tasks.finish(Duration::from_secs(10)).await, 0);
    }
}

fn now() -> Timestamp {
    // A Wednesday.
    "2026-11-18T12:30:00Z".parse().unwrap()
}

/// A request that ended so long ago, after a minute, and cost so many dollars.
fn record(seconds_ago: i64, usd: i64) -> RequestRecord {
    let took = Timings { total_us: 60_000_000, ..Timings::default() };
    let came_in = now() - SignedDuration::from_secs(seconds_ago + 60);
    let id = RequestId::fresh();
    RequestRecord {
        user_id: Some(USER),
        key_id: Some(KEY),
        model: Some("claude-x".to_owned()),
        status: 200,
        timings: took,
        attempts: vec![Attempt {
            id: AttemptId::fresh(),
            provider_id: PROVIDER,
            provider_name: "main".to_owned(),
            provider_type: ProviderType::Claude,
            reason: AttemptReason::InitialSelection,
            priority: 0,
            weight: 1,
            probability_ppm: 1_000_000,
            host: "upstream.example:443".to_owned(),
            sent_model: None,
            upstream_model: None,
            status: Some(200),
            class: None,
            error_rule_id: None,
            error: None,
            timings: took,
            usage: Some(Usage { input: 100, output: 10, ..Usage::default() }),
            usage_source: Some(UsageSource::Reported),
            cost: Some(Money::from_usd(usd)),
            cost_breakdown: None,
            price_version: None,
            provider_multiplier: Multiplier::ONE,
            is_trial: false,
            group_multiplier: Multiplier::ONE,
        }],
        ..RequestRecord::new(id, came_in, Dialect::Claude, Endpoint::Generate, Outcome::Completed)
    }
}

fn limits() -> MoneyLimits {
    MoneyLimits {
        limit_5h_usd: Some(Money::from_usd(10)),
        limit_daily_usd: Some(Money::from_usd(20)),
        limit_weekly_usd: Some(Money::from_usd(30)),
        limit_total_usd: Some(Money::from_usd(40)),
        ..MoneyLimits::default()
    }
}

async fn ask(limiter: &dyn RateLimiter, money: &MoneyLimits) -> Result<Known<Verdict>, String> {
    let own = Limits { rpm: Some(100), money, tokens: None };
    let admission = Admission {
        ticket: Ticket { request: RequestId::fresh(), user: USER, key: KEY },
        user: own,
        key: Limits { tokens: Some(1_000), ..own },
        estimate: Amount::default(),
        worst_case: Amount::default(),
        mode: BudgetMode::Balanced,
    };
    limiter.admit(&admission, now()).await.map_err(|error| error.to_string())
}

fn usd(amount: i64) -> Quantity {
    Quantity::Money(Money::from_usd(amount))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_charged_before_a_restart_still_counts() {
    let storage = Storage::open().await;
    // Within five hours; earlier today; earlier this week; last week. None of it is in the database yet.
    for (hours_ago, cost) in [(1, 1), (11, 2), (40, 4), (24 * 6, 8)] {
        storage.ledger.journal.settled(&record(hours_ago * 3600, cost));
    }
    storage.drain();
    let limiter = storage.limiter();
    let limits = limits();
    let own = Limits { rpm: Some(100), money: &limits, tokens: Some(1_000) };
    for owner in [Owner::User(USER), Owner::Key(USER, KEY), Owner::Provider(PROVIDER)] {
        let Known::Yes(usage) = limiter.usage(owner, own, now()).await.unwrap() else { panic!("{owner:?}") };
        let used: Vec<Quantity> = usage.iter().map(|window| window.used).collect();
        let expected = [Quantity::Count(0), usd(1), usd(3), usd(7), usd(15), Quantity::Count(440)];
        assert_eq!(used, expected, "{owner:?}");
    }
    storage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_passes_a_limit_that_was_used_up_before_the_restart() {
    let storage = Storage::open().await;
    storage.drain();
    storage.ledger.journal.settled(&record(60, 10));
    let (limiter, limits) = (storage.limiter(), limits());
    // Many come at once: one of them reads, all of them wait, and none of them passes.
    let verdicts = join_all((0..50).map(|_| ask(&limiter, &limits))).await;
    for verdict in verdicts {
        assert!(matches!(verdict, Ok(Known::Yes(Verdict::Refused(_)))), "{verdict:?}");
    }
    let room = limiter.room(&[(PROVIDER, Limits { rpm: None, money: &limits, tokens: None })], now()).await;
    assert!(matches!(room.unwrap()[..], [Known::Yes(Some(_))]));
    storage.close().await;
}

/// Requests of a nano-dollar each that end now, one after the other, until told to stop; answers how many.
async fn keep_charging(storage: &Storage, limiter: &RestoringLimiter, stop: &CancellationToken) -> i64 {
    let mut charged = 0;
    while !stop.is_cancelled() {
        let mut record = record(0, 0);
        record.created_at = SystemClock.now() - SignedDuration::from_secs(60);
        record.attempts[0].cost = Some(Money::from_nanos(1));
        storage.ledger.journal.settled(&record);
        let ticket = Ticket { request: record.id, user: USER, key: KEY };
        limiter.settle(ticket, Amount { money: Money::from_nanos(1), tokens: 110 }, record.settled_at());
        charged += 1;
        tokio::time::sleep(Duration::from_micros(300)).await;
    }
    charged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_charged_while_counters_are_rebuilt_counts_once() {
    let storage = Storage::open().await;
    storage.drain();
    let limits = MoneyLimits {
        limit_5h_usd: Some(Money::from_usd(10)),
        limit_5h_reset_mode: ResetMode::Fixed,
        limit_total_usd: Some(Money::from_usd(10)),
        ..MoneyLimits::default()
    };
    let own = Limits { rpm: None, money: &limits, tokens: None };
    let mut charged = 0;
    for round in 0..8 {
        // A hub that lost its counters, while requests end all the time.
        let (limiter, stop) = (storage.limiter(), CancellationToken::new());
        let ask = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let usage = limiter.usage(Owner::User(USER), own, SystemClock.now()).await;
            assert!(matches!(usage, Ok(Known::Yes(_))), "{usage:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
            stop.cancel();
        };
        let busy = join_all((0..4).map(|_| keep_charging(&storage, &limiter, &stop)));
        let (counts, ()) = tokio::join!(busy, ask);
        charged += counts.into_iter().sum::<i64>();
        let Known::Yes(usage) = limiter.usage(Owner::User(USER), own, SystemClock.now()).await.unwrap()
        else {
            panic!()
        };
        let used: Vec<Quantity> = usage.iter().map(|window| window.used).collect();
        assert_eq!(used, [Quantity::Money(Money::from_nanos(charged)); 2], "round {round}");
    }
    storage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_the_last_minute_count_after_a_restart() {
    let storage = Storage::open().await;
    storage.drain();
    let mut recent = record(0, 0);
    recent.created_at = now() - SignedDuration::from_secs(30);
    let refused = RequestRecord { id: RequestId::fresh(), outcome: Outcome::Refused, ..recent.clone() };
    storage.ledger.journal.settled(&recent);
    storage.ledger.journal.settled(&refused);
    let (limiter, money) = (storage.limiter(), MoneyLimits::default());
    let own = Limits { rpm: Some(5), money: &money, tokens: None };
    let Known::Yes(usage) = limiter.usage(Owner::User(USER), own, now()).await.unwrap() else { panic!() };
    assert_eq!(usage[0].used, Quantity::Count(1));
    storage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_ledger_out_of_reach_requests_go_on_and_only_the_first_wait() {
    let storage = Storage::open().await;
    // Nobody drains: what the counters need never gets into the database.
    storage.ledger.journal.settled(&record(60, 10));
    let (limiter, limits) = (storage.limiter(), limits());
    let begun = Instant::now();
    let first = join_all((0..20).map(|_| ask(&limiter, &limits))).await;
    assert!(first.iter().all(Result::is_err), "{first:?}");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    let begun = Instant::now();
    let others = join_all((0..20).map(|_| ask(&limiter, &limits))).await;
    assert!(others.iter().all(Result::is_err), "{others:?}");
    let providers = [(PROVIDER, Limits { rpm: None, money: &limits, tokens: None })];
    let room = limiter.room(&providers, now()).await.unwrap();
    assert_eq!(room, [Known::Yes(None)], "a provider that nobody knows anything of has room");
    assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
    // The database is back: soon limits hold again, without a request that waits for it.
    storage.drain();
    let begun = Instant::now();
    loop {
        let asked_at =
            now() + SignedDuration::try_from(begun.elapsed()).unwrap() + SignedDuration::from_secs(6);
        let own = Limits { rpm: None, money: &limits, tokens: None };
        let admission = Admission {
            ticket: Ticket { request: RequestId::fresh(), user: USER, key: KEY },
            user: own,
            key: own,
            estimate: Amount::default(),
            worst_case: Amount::default(),
            mode: BudgetMode::Balanced,
        };
        if let Ok(Known::Yes(verdict)) = limiter.admit(&admission, asked_at).await {
            assert!(matches!(verdict, Verdict::Refused(_)), "{verdict:?}");
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    storage.close().await;
}
