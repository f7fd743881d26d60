//! One golden test for each stage: who is dropped, for which reason, and who is left with which probability.

use std::sync::Arc;

use hub_types::{
    Conversion, Convertible, Dialect, GroupSet, MatchKind, ModelRedirect, Provider, ProviderId, ProviderType,
};
use jiff::civil::{Time, time};

use crate::tests::{catalogue, provider, rule};
use crate::{Health, RoutingFacts, Survey, survey};

const NOON: Time = time(12, 0, 0, 0);

/// What one request sees.
struct Scene {
    groups: &'static str,
    client: Option<&'static str>,
    model: Option<&'static str>,
    dialect: Dialect,
    at: Time,
    tried: &'static [i64],
    convertible: Convertible,
    health: fn(&Provider) -> Health,
}

const PLAIN: Scene = Scene {
    groups: "",
    client: Some("codex"),
    model: Some("m"),
    dialect: Dialect::Claude,
    at: NOON,
    tried: &[],
    convertible: Convertible::Yes,
    health: |_| Health::Admit,
};

/// Providers with ids from 1 on, each with its change.
fn look<T>(scene: &Scene, changes: &[fn(&mut Provider)], tell: impl FnOnce(&Survey<'_>) -> T) -> T {
    let providers: Vec<Arc<Provider>> = (1..).zip(changes).map(|(id, change)| provider(id, change)).collect();
    let catalogue = catalogue(providers);
    let groups = GroupSet::parse(scene.groups);
    let facts = RoutingFacts {
        groups: &groups,
        dialect: scene.dialect,
        convertible: scene.convertible,
        model: scene.model,
        client_name: scene.client,
    };
    let tried: Vec<ProviderId> = scene.tried.iter().copied().map(ProviderId).collect();
    tell(&survey(&catalogue, &facts, &scene.health, &tried, scene.at))
}

/// How many each stage left.
fn counts(scene: &Scene, changes: &[fn(&mut Provider)]) -> Vec<u32> {
    look(scene, changes, |survey| survey.stages().iter().map(|stage| stage.left).collect())
}

fn golden(scene: &Scene, changes: &[fn(&mut Provider)]) -> String {
    look(scene, changes, |survey| {
        let dropped = survey
            .dropped
            .iter()
            .map(|one| format!("{} {}/{}", one.provider_id, one.reason.stage_name(), one.reason.as_str()));
        let left = survey
            .candidates
            .iter()
            .map(|one| format!("{} {}ppm", one.provider.provider().id, one.probability_ppm));
        format!("{} | {}", dropped.collect::<Vec<_>>().join(", "), left.collect::<Vec<_>>().join(", "))
    })
}

#[test]
fn the_group_stage_keeps_those_that_share_a_group() {
    let changes: [fn(&mut Provider); 4] = [
        |_| (),
        |provider| provider.group_tag = GroupSet::parse("a"),
        |provider| provider.group_tag = GroupSet::parse("b,a"),
        |provider| provider.group_tag = GroupSet::parse("*"),
    ];
    assert_eq!(
        golden(&PLAIN, &changes),
        "2 group/group_filtered, 3 group/group_filtered | 1 500000ppm, 4 500000ppm"
    );
    assert_eq!(
        golden(&Scene { groups: "a", ..PLAIN }, &changes),
        "1 group/group_filtered | 2 333333ppm, 3 333333ppm, 4 333333ppm"
    );
    assert_eq!(
        golden(&Scene { groups: "b", ..PLAIN }, &changes),
        "1 group/group_filtered, 2 group/group_filtered | 3 500000ppm, 4 500000ppm"
    );
}

#[test]
fn the_enabled_stage_drops_the_disabled_the_sleeping_and_the_tried() {
    let changes: [fn(&mut Provider); 4] = [
        |provider| provider.is_enabled = false,
        |provider| provider.active_time_end = Some(time(12, 0, 0, 0)),
        |_| (),
        |_| (),
    ];
    assert_eq!(
        golden(&Scene { tried: &[3], ..PLAIN }, &changes),
        "1 enabled/disabled, 2 enabled/schedule_inactive, 3 enabled/excluded | 4 1000000ppm"
    );
}

#[test]
fn the_client_stage_goes_by_names_in_any_case_and_an_unknown_client_passes_no_list() {
    let changes: [fn(&mut Provider); 3] = [
        |provider| provider.allowed_clients = vec!["CODEX".to_owned()],
        |provider| provider.blocked_clients = vec!["codex".to_owned()],
        |provider| provider.allowed_clients = vec!["other".to_owned()],
    ];
    assert_eq!(
        golden(&PLAIN, &changes),
        "2 client/client_restriction, 3 client/client_restriction | 1 1000000ppm"
    );
    assert_eq!(
        golden(&Scene { client: None, ..PLAIN }, &changes),
        "1 client/client_restriction, 3 client/client_restriction | 2 1000000ppm"
    );
}

#[test]
fn the_model_stage_keeps_those_whose_rules_or_redirects_name_the_model() {
    let changes: [fn(&mut Provider); 3] = [
        |provider| provider.allowed_models = vec![rule(MatchKind::Exact, "n")],
        |provider| provider.allowed_models = vec![rule(MatchKind::Exact, "m")],
        |provider| {
            provider.allowed_models = vec![rule(MatchKind::Exact, "n")];
            provider.model_redirects = vec![ModelRedirect {
                kind: MatchKind::Exact,
                source: "m".to_owned(),
                target: "n".to_owned(),
            }];
        },
    ];
    assert_eq!(golden(&PLAIN, &changes), "1 model/model_not_allowed | 2 500000ppm, 3 500000ppm");
    assert_eq!(golden(&Scene { model: None, ..PLAIN }, &changes), " | 1 333333ppm, 2 333333ppm, 3 333333ppm");
}

#[test]
fn the_dialect_stage_keeps_providers_of_the_clients_dialect() {
    let changes: [fn(&mut Provider); 4] = [
        |provider| provider.priority = 9,
        |provider| provider.provider_type = ProviderType::ClaudeAuth,
        |provider| provider.provider_type = ProviderType::Gemini,
        |provider| provider.provider_type = ProviderType::GeminiCli,
    ];
    let golden = |scene: &Scene| golden(scene, &changes);
    assert_eq!(
        golden(&PLAIN),
        "1 priority/lower_priority, 3 dialect/dialect_mismatch, 4 dialect/dialect_mismatch | 2 1000000ppm"
    );
    // Nobody is foreign whose native siblings are only of a worse priority.
    assert_eq!(
        golden(&Scene { tried: &[2], ..PLAIN }),
        "2 enabled/excluded, 3 dialect/dialect_mismatch, 4 dialect/dialect_mismatch | 1 1000000ppm"
    );
}

#[test]
fn the_dialect_stage_lets_others_in_where_no_native_provider_is_left_after_the_health_stage() {
    let changes: [fn(&mut Provider); 5] = [
        |_| (),
        |_| (),
        |provider| provider.provider_type = ProviderType::Gemini,
        |provider| {
            provider.provider_type = ProviderType::OpenAiCompatible;
            provider.conversion = Conversion::Never;
        },
        |provider| {
            provider.provider_type = ProviderType::Codex;
            provider.priority = 1;
        },
    ];
    let ill = |provider: &Provider| {
        if provider.id.0 < 3 { Health::CircuitOpen } else { Health::Admit }
    };
    let scene = Scene { health: ill, tried: &[1], ..PLAIN };
    assert_eq!(
        golden(&scene, &changes),
        "1 enabled/excluded, 2 health/circuit_open, 4 dialect/dialect_mismatch, 5 priority/lower_priority \
         | 3 1000000ppm"
    );
    assert_eq!(counts(&scene, &changes), [5, 4, 4, 4, 3, 2, 1]);
    for convertible in [Convertible::No, Convertible::Unasked] {
        let scene = Scene { convertible, ..scene };
        assert_eq!(counts(&scene, &changes), [5, 4, 4, 4, 1, 0, 0]);
    }
    // A foreign provider that is not well is none.
    let all_ill = |_: &Provider| Health::CoolingDown;
    assert_eq!(counts(&Scene { health: all_ill, ..PLAIN }, &changes), [5, 5, 5, 5, 4, 0, 0]);
}

#[test]
fn foreign_providers_are_not_asked_for_their_health_while_a_native_one_is_well() {
    let changes: [fn(&mut Provider); 2] = [|provider| provider.provider_type = ProviderType::Codex, |_| ()];
    let health = |provider: &Provider| {
        assert_ne!(provider.provider_type, ProviderType::Codex);
        Health::Admit
    };
    assert_eq!(golden(&Scene { health, ..PLAIN }, &changes), "1 dialect/dialect_mismatch | 2 1000000ppm");
}

#[test]
fn gemini_and_its_wrapper_are_different_dialects() {
    let changes: [fn(&mut Provider); 2] = [
        |provider| provider.provider_type = ProviderType::Gemini,
        |provider| provider.provider_type = ProviderType::GeminiCli,
    ];
    let scene = Scene { dialect: Dialect::GeminiCli, ..PLAIN };
    assert_eq!(golden(&scene, &changes), "1 dialect/dialect_mismatch | 2 1000000ppm");
    let scene = Scene { tried: &[2], ..scene };
    assert_eq!(golden(&scene, &changes), "2 enabled/excluded | 1 1000000ppm");
}

#[test]
fn the_health_stage_says_what_is_wrong_with_whom() {
    let changes: [fn(&mut Provider); 5] = [|_| (); 5];
    let health = |provider: &Provider| Health::ALL[usize::try_from(provider.id.0 - 1).unwrap()];
    assert_eq!(
        golden(&Scene { health, ..PLAIN }, &changes),
        "2 health/circuit_open, 3 health/rate_limited, 4 health/cooling_down, 5 health/concurrent_limit_failed \
         | 1 1000000ppm"
    );
}

#[test]
fn the_priority_stage_keeps_the_smallest_number_and_groups_may_have_their_own() {
    let changes: [fn(&mut Provider); 3] = [
        |_| (),
        |provider| provider.priority = 1,
        |provider| {
            provider.group_tag = GroupSet::parse("default,a");
            provider.group_priorities.insert("a".to_owned(), -1);
        },
    ];
    assert_eq!(golden(&PLAIN, &changes), "2 priority/lower_priority | 1 500000ppm, 3 500000ppm");
    assert_eq!(
        golden(&Scene { groups: "default,a", ..PLAIN }, &changes),
        "1 priority/lower_priority, 2 priority/lower_priority | 3 1000000ppm"
    );
}

#[test]
fn the_pick_goes_by_weight_and_by_nothing_if_all_weights_are_zero() {
    let changes: [fn(&mut Provider); 3] =
        [|provider| provider.weight = 3, |_| (), |provider| provider.weight = 0];
    assert_eq!(golden(&PLAIN, &changes), " | 1 750000ppm, 2 250000ppm, 3 0ppm");
    let zero: [fn(&mut Provider); 2] = [|provider| provider.weight = 0; 2];
    assert_eq!(golden(&PLAIN, &zero), " | 1 500000ppm, 2 500000ppm");
}
