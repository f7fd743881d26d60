//! What the attempts of a record say, and what decides them.

use std::sync::Arc;
use std::time::Duration;

use hub_circuit_breaker::{BreakerConfig, BreakerHealth, BreakerStore, Event, MemoryBreakerStore};
use hub_lab::{Behaviour, Lab, LabConfig, Scenario};
use hub_proxy::GatewayOptions;
use hub_types::{
    Clock, ErrorClass, MatchKind, ModelRedirect, MoneyLimits, Provider, ProviderId, SystemClock, Timeouts,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::world::{PROVIDER, ask, ask_for_stream, builder, provider, read_until};

async fn lab(behaviour: Behaviour) -> Lab {
    let scenario = Scenario::always(behaviour);
    Lab::start(LabConfig { scenario, ..LabConfig::default() }).await.unwrap()
}

fn redirected(id: i64, lab: &Lab, target: &str) -> Provider {
    let rule = ModelRedirect { kind: MatchKind::Prefix, source: "claude-".into(), target: target.into() };
    Provider {
        id: ProviderId(id),
        priority: i32::try_from(id).unwrap(),
        model_redirects: vec![rule],
        ..provider(&lab.url())
    }
}

#[tokio::test]
async fn a_trial_and_the_time_of_the_connection_are_on_the_attempt() {
    let lab = lab(Behaviour { latency_ms: Some(50), ..Behaviour::default() }).await;
    let breakers = Arc::new(MemoryBreakerStore::new());
    let failing = Provider {
        failure_threshold: 1,
        open_duration_ms: 1,
        half_open_success_threshold: 1,
        ..provider(&lab.url())
    };
    let config = BreakerConfig::from(&failing);
    let before = SystemClock.now() - Duration::from_secs(1);
    breakers.record(PROVIDER, Event::Failure { trial: None }, config, before).await;
    let (builder, records) = builder([failing], MoneyLimits::default(), |_| {});
    let gateway = builder.breakers(breakers).build();
    for _ in 0..2 {
        let mut answer = ask(&gateway).await;
        assert_eq!(answer.status(), 200);
        read_until(answer.body_mut(), |_| false).await;
    }
    let records = records.lock();
    let attempts: Vec<_> = records.iter().map(|record| record.attempts[0].clone()).collect();
    assert_eq!(attempts.iter().map(|attempt| attempt.is_trial).collect::<Vec<_>>(), [true, false]);
    for attempt in attempts {
        let times = attempt.timings;
        let (connected, first_byte) = (times.connected_us.unwrap(), times.first_byte_us.unwrap());
        assert!(times.queued_us <= connected && connected + 40_000 <= first_byte, "{times:?}");
    }
}

#[tokio::test]
async fn each_provider_starts_from_the_model_that_was_asked_for() {
    let (one, two) =
        (lab(Behaviour { status: Some(500), ..Behaviour::default() }).await, lab(Behaviour::default()).await);
    let providers = [redirected(1, &one, "first-model"), redirected(2, &two, "second-model")];
    let (builder, records) = builder(providers, MoneyLimits::default(), |_| {});
    let gateway = builder.build();
    assert_eq!(ask(&gateway).await.status(), 200);
    assert_eq!(gateway.finish(Duration::from_secs(10)).await, 0);
    let records = records.lock();
    let record = records.first().unwrap();
    let sent: Vec<_> = record.attempts.iter().map(|attempt| attempt.sent_model.as_deref()).collect();
    assert_eq!(sent, [Some("first-model"), Some("second-model")]);
    assert_eq!(record.model.as_deref(), Some("claude-sonnet-4-5"));
}

struct At(Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

#[tokio::test]
async fn daily_times_are_those_of_the_hubs_zone() {
    let lab = lab(Behaviour::default()).await;
    let nightly = Provider {
        active_time_start: Some("22:00".parse().unwrap()),
        active_time_end: Some("06:00".parse().unwrap()),
        ..provider(&lab.url())
    };
    // In summer, so an hour later than in winter: 20:30, 21:30, 05:30 and 06:30 in Zurich.
    for (time, is_active) in [
        ("2026-07-01T19:30:00Z", false),
        ("2026-07-01T20:30:00Z", true),
        ("2026-07-02T03:30:00Z", true),
        ("2026-07-02T04:30:00Z", false),
        ("2026-01-01T20:30:00Z", false),
        ("2026-01-01T21:30:00Z", true),
    ] {
        let (builder, _records) = builder([nightly.clone()], MoneyLimits::default(), |_| {});
        let time_zone = TimeZone::get("Europe/Zurich").unwrap();
        let options = GatewayOptions { time_zone, ..GatewayOptions::default() };
        let gateway = builder.options(options).clock(Arc::new(At(time.parse().unwrap()))).build();
        let status = ask(&gateway).await.status();
        assert_eq!(status.as_u16(), if is_active { 200 } else { 503 }, "{time}");
    }
}

#[tokio::test]
async fn a_provider_is_not_blamed_for_time_that_others_used_up() {
    let hanging = || lab(Behaviour { latency_ms: Some(20_000), ..Behaviour::default() });
    let (one, two) = (hanging().await, hanging().await);
    let slow = |id: i64, lab: &Lab, first_byte_ms| Provider {
        id: ProviderId(id),
        priority: i32::try_from(id).unwrap(),
        failure_threshold: 1,
        timeouts: Timeouts { first_byte_ms, ..Timeouts::default() },
        ..provider(&lab.url())
    };
    let providers = [slow(1, &one, 500), slow(2, &two, 500)];
    let configs = providers.each_ref().map(BreakerConfig::from);
    let breakers = Arc::new(MemoryBreakerStore::new());
    let (builder, records) = builder(providers, MoneyLimits::default(), |_| {});
    let options = GatewayOptions { failover_budget: Duration::from_millis(700), ..GatewayOptions::default() };
    let gateway = builder.options(options).breakers(Arc::clone(&breakers) as Arc<_>).build();
    assert_eq!(ask_for_stream(&gateway).await.status(), 504);
    let classes: Vec<_> = records.lock()[0].attempts.iter().map(|attempt| attempt.class).collect();
    // On a machine that stands still for a moment there is no time left for the second.
    assert!(
        matches!(
            classes.as_slice(),
            [Some(ErrorClass::Timeout)] | [Some(ErrorClass::Timeout), Some(ErrorClass::Timeout)]
        ),
        "{classes:?}"
    );
    let health = |at: usize, id| breakers.health(ProviderId(id), configs[at], SystemClock.now());
    assert!(matches!(health(0, 1), BreakerHealth::Open { .. }), "it had its own time");
    assert_eq!(health(1, 2), BreakerHealth::Closed);
}
