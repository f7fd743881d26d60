use std::time::Duration;

use hub_types::{
    Conversion, Convertible, Dialect, FailBack, GroupSet, MatchKind, Provider, ProviderId, ProviderType,
};
use jiff::civil::time;

use crate::tests::{catalogue, provider, rule};
use crate::{BindingVerdict, Health, PROMPT_CACHE_TTL, RoutingFacts, consult_binding};

const BUSY: Option<Duration> = Some(Duration::from_secs(2));
const IDLE: Option<Duration> = Some(PROMPT_CACHE_TTL);

/// A word for what becomes of a binding to provider 2. Provider 1 has a better priority and is `health`.
fn verdict(
    better: impl FnOnce(&mut Provider),
    bound: impl FnOnce(&mut Provider),
    health: &dyn Fn(&Provider) -> Health,
    idle: Option<Duration>,
) -> String {
    let catalogue = catalogue(vec![
        provider(1, better),
        provider(2, |provider| {
            provider.priority = 1;
            bound(provider);
        }),
    ]);
    let groups = GroupSet::default();
    let facts = RoutingFacts {
        groups: &groups,
        dialect: Dialect::Claude,
        convertible: Convertible::Yes,
        model: Some("m"),
        client_name: None,
    };
    match consult_binding(&catalogue, &facts, &health, time(12, 0, 0, 0), ProviderId(2), idle) {
        BindingVerdict::Follow { provider, .. } => format!("follow {}", provider.provider().id),
        BindingVerdict::PassOver(reason) => format!("pass over: {}", reason.as_str()),
        BindingVerdict::Return => "return".to_owned(),
        BindingVerdict::Drop => "drop".to_owned(),
    }
}

fn well(_: &Provider) -> Health {
    Health::Admit
}

#[test]
fn an_eligible_provider_keeps_its_sessions_while_no_better_one_is_there() {
    let off = |provider: &mut Provider| provider.is_enabled = false;
    assert_eq!(verdict(off, |_| (), &well, IDLE), "follow 2");
    let same = |provider: &mut Provider| provider.priority = 1;
    assert_eq!(verdict(same, |_| (), &well, IDLE), "follow 2");
}

#[test]
fn a_provider_that_rests_is_passed_over_and_one_that_cannot_serve_is_dropped() {
    for (health, word) in [
        (Health::CircuitOpen, "circuit_open"),
        (Health::RateLimited, "rate_limited"),
        (Health::CoolingDown, "cooling_down"),
        (Health::ConcurrentLimit, "concurrent_limit_failed"),
    ] {
        assert_eq!(verdict(|_| (), |_| (), &|_| health, BUSY), format!("pass over: {word}"));
    }
    let sleeps = |provider: &mut Provider| provider.active_time_end = Some(time(8, 0, 0, 0));
    assert_eq!(verdict(|_| (), sleeps, &well, BUSY), "pass over: schedule_inactive");
    let unfit: [fn(&mut Provider); 4] = [
        |provider| provider.is_enabled = false,
        |provider| {
            provider.provider_type = ProviderType::Codex;
            provider.conversion = Conversion::Never;
        },
        |provider| provider.allowed_models = vec![rule(MatchKind::Exact, "other")],
        |provider| provider.group_tag = GroupSet::parse("others"),
    ];
    for change in unfit {
        assert_eq!(verdict(|_| (), change, &well, BUSY), "drop");
    }
    let none = catalogue(vec![provider(1, |_| ())]);
    let groups = GroupSet::default();
    let facts = RoutingFacts {
        groups: &groups,
        dialect: Dialect::Claude,
        convertible: Convertible::Yes,
        model: Some("m"),
        client_name: None,
    };
    let gone = consult_binding(&none, &facts, &well, time(12, 0, 0, 0), ProviderId(2), BUSY);
    assert!(matches!(gone, BindingVerdict::Drop));
}

#[test]
fn sessions_return_to_a_better_provider_as_its_policy_says() {
    for (policy, idle, word) in [
        (FailBack::Never, BUSY, "follow 2"),
        (FailBack::Never, IDLE, "follow 2"),
        (FailBack::WhenIdle, BUSY, "follow 2"),
        (FailBack::WhenIdle, None, "follow 2"),
        (FailBack::WhenIdle, IDLE, "return"),
        (FailBack::AtOnce, BUSY, "return"),
    ] {
        assert_eq!(
            verdict(|better| better.fail_back = policy, |_| (), &well, idle),
            word,
            "{policy:?} {idle:?}"
        );
    }
    // One that has not recovered does not call anybody back.
    let ill = |provider: &Provider| {
        if provider.id == ProviderId(1) { Health::CircuitOpen } else { Health::Admit }
    };
    assert_eq!(verdict(|better| better.fail_back = FailBack::AtOnce, |_| (), &ill, IDLE), "follow 2");
}

/// A word for what becomes of a binding to provider 3, which speaks another dialect; 1 is native and 2 foreign.
fn foreign(
    convertible: Convertible,
    native: impl FnOnce(&mut Provider),
    other: impl FnOnce(&mut Provider),
    idle: Option<Duration>,
) -> &'static str {
    let catalogue = catalogue(vec![
        provider(1, native),
        provider(2, |provider| {
            provider.provider_type = ProviderType::Codex;
            other(provider);
        }),
        provider(3, |provider| provider.provider_type = ProviderType::Gemini),
    ]);
    let groups = GroupSet::default();
    let facts = RoutingFacts {
        groups: &groups,
        dialect: Dialect::Claude,
        convertible,
        model: Some("m"),
        client_name: None,
    };
    consult_binding(&catalogue, &facts, &well, time(12, 0, 0, 0), ProviderId(3), idle).as_str()
}

#[test]
fn a_native_provider_takes_its_sessions_back_from_a_foreign_one_as_its_policy_says() {
    for (policy, idle, word) in [
        (FailBack::Never, IDLE, "followed"),
        (FailBack::WhenIdle, BUSY, "followed"),
        (FailBack::WhenIdle, IDLE, "returned"),
        (FailBack::AtOnce, BUSY, "returned"),
    ] {
        for priority in [-1, 0, 1] {
            let native = |provider: &mut Provider| {
                provider.fail_back = policy;
                provider.priority = priority;
            };
            assert_eq!(
                foreign(Convertible::Yes, native, |_| (), idle),
                word,
                "{policy:?} {idle:?} {priority}"
            );
        }
    }
}

#[test]
fn a_better_foreign_provider_calls_back_only_where_no_native_one_is_there() {
    let at_once = |provider: &mut Provider| {
        provider.fail_back = FailBack::AtOnce;
        provider.priority = -1;
    };
    let stays_away = |provider: &mut Provider| provider.fail_back = FailBack::Never;
    let is_off = |provider: &mut Provider| provider.is_enabled = false;
    assert_eq!(foreign(Convertible::Yes, stays_away, at_once, BUSY), "followed");
    assert_eq!(foreign(Convertible::Yes, is_off, at_once, BUSY), "returned");
    // Whoever is bound to a native provider is not called away by a foreign one.
    let bound = |bound: &mut Provider| bound.priority = 1;
    let better = |better: &mut Provider| {
        better.provider_type = ProviderType::Codex;
        better.fail_back = FailBack::AtOnce;
    };
    assert_eq!(verdict(better, bound, &well, IDLE), "follow 2");
}

#[test]
fn a_question_that_cannot_be_converted_leaves_the_binding_alone() {
    assert_eq!(foreign(Convertible::No, |_| (), |_| (), BUSY), "passed_over");
    // Hubs that did not convert forgot it.
    assert_eq!(foreign(Convertible::Unasked, |_| (), |_| (), BUSY), "dropped");
}
