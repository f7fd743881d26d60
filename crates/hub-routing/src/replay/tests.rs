//! Ten thousand requests: each chooses as the gateway does, is written down, read back, and chooses again.

use std::sync::Arc;
use std::time::Duration;

use hub_types::{
    BindingRecord, Conversion, Convertible, Dialect, Endpoint, FailBack, GroupSet, MatchKind, Outcome,
    PickRule, Provider, ProviderId, ProviderShape, ProviderType, RequestId, RequestRecord, RoutingRecord,
    RoutingStep, Secret,
};
use jiff::Timestamp;
use jiff::civil::time;

use crate::tests::rule;
use crate::{
    BindingVerdict, Catalogue, Health, KnownHealth, NotedHealth, Pick, RoutingFacts, choose_by,
    consult_binding, recorded_facts, replay,
};

/// Chance that is the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn of<T: Copy>(&mut self, these: &[T]) -> T {
        these[usize::try_from(self.below(these.len() as u64)).unwrap()]
    }
}

const GROUPS: [&str; 5] = ["", "a", "b", "a,b", "*"];
const MODELS: [&str; 3] = ["claude-x", "claude-y", "gpt"];
const CLIENTS: [Option<&str>; 3] = [None, Some("claude-cli"), Some("codex")];

fn provider(id: i64, dice: &mut Dice) -> Provider {
    let kind = dice.of(&[ProviderType::Claude, ProviderType::Claude, ProviderType::Codex]);
    let mut provider = Provider::new(ProviderId(id), &format!("p{id}"), "https://x", kind, Secret::new("s"));
    provider.is_enabled = !dice.one_in(8);
    provider.conversion = dice.of(&[Conversion::Auto, Conversion::Never]);
    provider.fail_back = dice.of(&[FailBack::Never, FailBack::WhenIdle, FailBack::AtOnce]);
    provider.priority = dice.of(&[0, 0, 1, -1]);
    provider.weight = dice.of(&[0, 1, 1, 3, 10]);
    provider.group_tag = GroupSet::parse(dice.of(&GROUPS));
    if dice.one_in(4) {
        provider.group_priorities.insert("a".to_owned(), dice.of(&[-2, 0, 2]));
    }
    if dice.one_in(4) {
        let (kind, pattern) =
            dice.of(&[(MatchKind::Prefix, "claude"), (MatchKind::Regex, "x$"), (MatchKind::Exact, "gpt")]);
        provider.allowed_models.push(rule(kind, pattern));
    }
    if dice.one_in(6) {
        provider.allowed_clients.push("claude-cli".to_owned());
    }
    if dice.one_in(6) {
        provider.blocked_clients.push("codex".to_owned());
    }
    if dice.one_in(6) {
        provider.active_time_start = Some(time(20, 0, 0, 0));
        provider.active_time_end = Some(time(6, 30, 0, 0));
    }
    provider
}

/// What one request does: like the gateway, a first provider by the binding or by chance, and others after it.
fn request(catalogue: &Catalogue, left_out: Vec<ProviderId>, dice: &mut Dice) -> RequestRecord {
    let id = RequestId::fresh();
    let mut record =
        RequestRecord::new(id, Timestamp::UNIX_EPOCH, Dialect::Claude, Endpoint::Generate, Outcome::Failed);
    record.model = Some(dice.of(&MODELS).to_owned());
    record.client.name = dice.of(&CLIENTS).map(str::to_owned);
    let mut routing = RoutingRecord {
        catalogue: 1,
        left_out,
        seed: dice.below(1 << 31) << 33 | dice.below(1 << 31),
        local_time: time(i8::try_from(dice.below(24)).unwrap(), 15, 0, 1),
        groups: GroupSet::parse(dice.of(&GROUPS)),
        convertible: dice.of(&[Convertible::Unasked, Convertible::No, Convertible::Yes, Convertible::Yes]),
        steps: Vec::new(),
    };
    let bound = dice.one_in(2).then(|| ProviderId(i64::try_from(dice.below(14)).unwrap()));
    let idle = dice.of(&[None, Some(0), Some(299_999_999), Some(300_000_000)]);
    let mut is_bound = true;
    let (mut known, mut tried) = (KnownHealth::default(), Vec::new());
    loop {
        let facts = recorded_facts(&record, &routing);
        // Health changes while a request is under way, and is asked of nobody twice in a step.
        let salt = dice.below(1 << 20);
        let ill = |provider: &Provider| {
            let mut own = Dice(salt ^ u64::try_from(provider.id.0).unwrap() << 24);
            own.below(9);
            if own.one_in(3) { own.of(&Health::ALL) } else { Health::Admit }
        };
        let noted = NotedHealth::new(&ill, &mut known);
        let mut step = RoutingStep { excluded: tried.clone(), ..RoutingStep::default() };
        let mut followed = None;
        if let (Some(bound), true, true) = (bound, is_bound, tried.is_empty()) {
            let idle_time = idle.map(Duration::from_micros);
            let verdict = consult_binding(catalogue, &facts, &noted, routing.local_time, bound, idle_time);
            step.binding =
                Some(BindingRecord { provider_id: bound, idle_us: idle, verdict: verdict.as_str().into() });
            match verdict {
                BindingVerdict::Follow { provider, priority } => followed = Some((provider, priority)),
                BindingVerdict::Drop => is_bound = false,
                BindingVerdict::PassOver(_) | BindingVerdict::Return => {}
            }
        }
        if let Some((provider, priority)) = followed {
            (step.picked, step.priority) = (Some(provider.provider().id), priority);
            step.probability_ppm = 1_000_000;
        } else {
            let rules = [PickRule::Weighted, PickRule::Rendezvous, PickRule::LeastRecentlyUsed];
            step.pick.rule = rules[usize::try_from(dice.below(3)).unwrap()];
            if step.pick.rule == PickRule::LeastRecentlyUsed {
                let ids = catalogue.providers().iter().map(|one| one.provider().id);
                step.pick.last_used = ids.map(|id| (id, i64::try_from(dice.below(4)).unwrap())).collect();
            }
            let last_used = |id| step.pick.last_used.get(&id).copied().unwrap_or(0);
            let pick = Pick { rule: step.pick.rule, seed: routing.seed, last_used: &last_used };
            let chosen = choose_by(catalogue, &facts, &noted, &tried, routing.local_time, &pick);
            step.picked = chosen.picked.map(|picked| picked.provider().id);
            (step.priority, step.probability_ppm) = (chosen.priority, chosen.probability_ppm);
        }
        step.health = noted.into_news();
        let picked = step.picked;
        routing.steps.push(step);
        let Some(picked) = picked.filter(|_| routing.steps.len() < 6) else { break };
        // Now and then the one chosen turns out to be full, and is chosen again or not.
        if !dice.one_in(4) {
            tried.push(picked);
        }
        if dice.one_in(3) {
            break;
        }
    }
    record.routing = Some(Box::new(routing));
    record
}

fn through_json<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

#[test]
fn ten_thousand_recorded_decisions_are_computed_again_identically() {
    let mut dice = Dice(20_261_121);
    let (mut choices, mut seen) = (0, std::collections::BTreeMap::<String, u32>::new());
    for _ in 0..200 {
        let providers: Vec<Provider> = (1..=12).map(|id| provider(id, &mut dice)).collect();
        let shapes: Vec<ProviderShape> = providers.iter().map(ProviderShape::from).collect();
        let left_out: Vec<_> = dice.one_in(3).then_some(ProviderId(7)).into_iter().collect();
        let able = providers.into_iter().filter(|provider| !left_out.contains(&provider.id));
        let (catalogue, _) = Catalogue::build(able.map(Arc::new));
        // What comes out of the history of providers.
        let past = through_json(&shapes).into_iter().filter(|shape| !left_out.contains(&shape.id));
        let (past, _) = Catalogue::build(past.map(Provider::from).map(Arc::new));
        for _ in 0..50 {
            let written = request(&catalogue, left_out.clone(), &mut dice);
            let record = through_json(&written);
            assert_eq!(record, written);
            let routing = record.routing.as_deref().unwrap();
            let mut health = KnownHealth::default();
            for step in &routing.steps {
                assert!(health.learn(step));
                let facts: RoutingFacts<'_> = recorded_facts(&record, routing);
                let again = replay(&past, &facts, &health, routing, &step.excluded, step.binding.as_ref());
                assert!(again.equals(step), "{again:?}\n{routing:#?}");
                choices += 1;
                let word = step.binding.as_ref().map_or("no binding", |binding| binding.verdict.as_ref());
                *seen.entry(format!("{word}, {}", step.picked.is_some())).or_default() += 1;
            }
        }
    }
    assert!(choices >= 10_000, "{choices}");
    // Every kind of choice was among them.
    for kind in ["no binding", "followed", "passed_over", "returned", "dropped"] {
        assert!(seen.get(&format!("{kind}, true")).is_some_and(|count| *count > 50), "{kind}: {seen:?}");
    }
    assert!(seen.get("no binding, false").is_some_and(|count| *count > 50), "{seen:?}");
}

#[test]
fn only_what_is_new_of_health_is_written_down() {
    let [one, two] = [1, 2].map(|id| crate::tests::provider(id, |_| ()));
    let mut known = KnownHealth::default();
    let mut told = |health: [Health; 2]| {
        use crate::HealthView as _;
        let view = |provider: &Provider| health[usize::try_from(provider.id.0 - 1).unwrap()];
        let noted = NotedHealth::new(&view, &mut known);
        for provider in [&one, &two, &one] {
            noted.health(provider);
        }
        let step = RoutingStep { health: noted.into_news(), ..RoutingStep::default() };
        serde_json::to_value(step.health).unwrap().to_string()
    };
    assert_eq!(told([Health::Admit; 2]), "{}");
    assert_eq!(told([Health::CircuitOpen; 2]), r#"{"circuit_open":[1,2]}"#);
    assert_eq!(told([Health::CircuitOpen; 2]), "{}");
    assert_eq!(told([Health::Admit, Health::RateLimited]), r#"{"rate_limited":[2],"well":[1]}"#);
}

#[test]
fn records_of_hubs_that_did_not_convert_are_computed_again_as_they_were() {
    let native = crate::tests::provider(1, |_| ());
    let foreign = crate::tests::provider(2, |provider| provider.provider_type = ProviderType::Codex);
    let (catalogue, _) = Catalogue::build([native, foreign]);
    let written = r#"{"catalogue":1,"seed":7,"local_time":"12:00:00","steps":[
        {"health":{"circuit_open":[1]},"probability_ppm":0,
         "binding":{"provider_id":2,"verdict":"dropped"}}]}"#;
    let mut routing: RoutingRecord = serde_json::from_str(written).unwrap();
    let record = RequestRecord::new(
        RequestId::fresh(),
        Timestamp::UNIX_EPOCH,
        Dialect::Claude,
        Endpoint::Generate,
        Outcome::Refused,
    );
    let mut equals = |convertible| {
        routing.convertible = convertible;
        let step = &routing.steps[0];
        let mut health = KnownHealth::default();
        assert!(health.learn(step));
        let facts = recorded_facts(&record, &routing);
        replay(&catalogue, &facts, &health, &routing, &[], step.binding.as_ref()).equals(step)
    };
    assert!(equals(Convertible::Unasked));
    assert!(!equals(Convertible::Yes));
}

#[test]
fn a_different_choice_is_noticed() {
    let (catalogue, _) = Catalogue::build([1, 2].map(|id| crate::tests::provider(id, |_| ())));
    let mut dice = Dice(3);
    let record = loop {
        let record = request(&catalogue, Vec::new(), &mut dice);
        let step = &record.routing.as_ref().unwrap().steps[0];
        if step.binding.is_none() && step.picked.is_some() && step.health.is_empty() {
            break record;
        }
    };
    let routing = record.routing.as_deref().unwrap();
    let facts = recorded_facts(&record, routing);
    let step = &routing.steps[0];
    let mut known = KnownHealth::default();
    assert!(known.learn(step));
    let again = replay(&catalogue, &facts, &known, routing, &[], None);
    assert!(again.equals(step));
    let others: [fn(&mut RoutingStep); 4] = [
        |step| step.picked = Some(ProviderId(9)),
        |step| step.probability_ppm -= 1,
        |step| step.priority += 1,
        |step| {
            step.binding =
                Some(BindingRecord { provider_id: ProviderId(1), idle_us: None, verdict: "dropped".into() });
        },
    ];
    for change in others {
        let mut other = step.clone();
        change(&mut other);
        assert!(!again.equals(&other), "{other:?}");
    }
}
