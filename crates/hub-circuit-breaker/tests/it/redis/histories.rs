//! Random histories: the script, the machine and the stores say the same.

use futures_util::future::join_all;
use hub_circuit_breaker::{
    BreakerState, Event, FallbackBreakerStore, Known, MemoryBreakerStore, Phase, RedisBreakers, Told, Trial,
    merge, step,
};
use hub_types::ProviderId;

use super::{ask, connect, over};
use crate::history::{self, Chance, History, time};
use hub_testkit::RedisDatabase;

const HISTORIES: u64 = 10_000;
/// So many at once: they share round trips.
const AT_ONCE: u64 = 250;

/// As Redis has it.
async fn stored(breakers: &RedisBreakers, provider: ProviderId) -> BreakerState {
    breakers.read(&[(provider, Known::Nothing)], time(0)).await.unwrap()[0]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_histories_go_as_in_memory_and_as_the_machine_says() {
    let database = RedisDatabase::take().await.unwrap();
    let connection = connect(database.url()).await;
    let (store, raw) = (over(connection.clone()), RedisBreakers::new(connection));
    let memory = MemoryBreakerStore::new();
    for group in 0..HISTORIES / AT_ONCE {
        let seeds = group * AT_ONCE..(group + 1) * AT_ONCE;
        let histories = seeds.map(|seed| live(History::random(seed), &store, &memory, &raw));
        join_all(histories).await;
    }
}

async fn live(
    history: History,
    store: &FallbackBreakerStore,
    memory: &MemoryBreakerStore,
    raw: &RedisBreakers,
) {
    let state = history::compare(store, &history).await;
    assert_eq!(history::compare(memory, &history).await, state);
    assert_eq!(stored(raw, history.provider).await, state, "{history:?}");
}

fn any_state(chance: &mut Chance, now: i64) -> BreakerState {
    let phase = chance.pick(&[Phase::Closed, Phase::HalfOpen, Phase::Open]);
    let moment = |chance: &mut Chance| match chance.below(3) {
        0 => 0,
        _ => now - 3000 + chance.span(6000),
    };
    BreakerState {
        phase,
        failures: if chance.below(20) == 0 { u32::MAX } else { chance.small(6) },
        opened_at: moment(chance),
        half_open_successes: if chance.below(20) == 0 { u32::MAX } else { chance.small(4) },
        trial_until: moment(chance),
        changed_at: moment(chance),
    }
}

/// Whoever tells knows something else each time, and the script merges that before the event.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_somebody_knows_is_merged_as_the_function_says() {
    let database = RedisDatabase::take().await.unwrap();
    let raw = RedisBreakers::new(connect(database.url()).await);
    for first in (0..3000).step_by(250) {
        join_all((first..first + 250).map(|seed| tell_at_random(seed, &raw))).await;
    }
}

async fn tell_at_random(seed: u64, raw: &RedisBreakers) {
    let mut chance = Chance::new(seed ^ 0xABCD_EF01);
    let provider = ProviderId(i64::try_from(seed).unwrap());
    let (mut now, mut state) = (1_750_000_000_000, BreakerState::default());
    for _ in 0..=chance.below(12) {
        now += chance.pause();
        let (config, other) = (chance.config(), any_state(&mut chance, now));
        let untold = Known::Untold { state: other, kept_until: now + 60_000 };
        let (known, merged) = match chance.below(3) {
            0 => (Known::Nothing, state),
            1 if other.changed_at > state.changed_at => (Known::FromRedis(other), other),
            1 => (Known::FromRedis(other), state),
            _ => (untold, merge(state, other)),
        };
        if chance.below(4) == 0 {
            let merged = if known == untold { merged } else { state };
            assert_eq!(raw.read(&[(provider, known)], time(now)).await.unwrap(), [merged], "{known:?}");
            state = merged;
            continue;
        }
        let trial = Trial { until: chance.pick(&[0, merged.trial_until, now + 1]) };
        let event = match chance.below(8) {
            0 | 1 => Event::Failure { trial: Some(trial) },
            2 | 3 => Event::Success { trial: Some(trial) },
            4 => Event::TrialTaken,
            5 => Event::TrialGivenBack { trial },
            6 => Event::ProbeSuccess,
            _ => Event::Reset,
        };
        let after = step(merged, event, now, config);
        let told = raw.tell(provider, event, config, known, time(now)).await.unwrap();
        assert_eq!(told, Told { before: merged, after }, "{event:?} {config:?} {known:?} {state:?}");
        state = after;
    }
    assert_eq!(stored(raw, provider).await, state);
}

#[tokio::test]
async fn nonsense_in_redis_is_as_good_as_nothing() {
    let database = RedisDatabase::take().await.unwrap();
    let connection = connect(database.url()).await;
    let raw = RedisBreakers::new(connection.clone());
    let hash = "circuit_breaker:state:5";
    let nonsense =
        ["state", "ajar", "failure_count", "-3", "opened_at", "soon", "trial_until", "nan", "changed_at", ""];
    ask(&connection, "HSET", hash, &nonsense).await;
    let config = crate::contract::CONFIG;
    let told = raw.tell(ProviderId(5), crate::contract::FAILURE, config, Known::Nothing, time(1)).await;
    assert_eq!(told.unwrap().after, BreakerState { failures: 1, ..BreakerState::default() });
}
