//! Explaining, simulating and playing through choices over REST.

use axum::http::Method;
use hub_types::{
    BindingRecord, ClientInfo, Convertible, Dialect, Endpoint, GroupSet, Outcome, ProviderId, RequestId,
    RequestRecord, RoutingRecord, RoutingStep, StageCount,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::fixture::Api;

async fn provider(api: &Api, name: &str, more: Value) -> i64 {
    let mut body = json!({"name": name, "url": "https://a.example", "provider_type": "claude"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    api.post("/providers", body).await.created()["id"].as_i64().unwrap()
}

/// A request that went to `picked` under a version of the catalogue, at a minute of the last hours.
fn record(catalogue: i64, minute: i64, seed: u64, step: RoutingStep) -> RequestRecord {
    let at: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
    let at = at + SignedDuration::from_mins(minute);
    let left = step.picked.map_or(0, |_| 1);
    RequestRecord {
        model: Some("m".to_owned()),
        client: ClientInfo { name: Some("codex".to_owned()), version: None },
        stages: ["group", "enabled", "client", "model", "dialect", "health", "priority"]
            .map(|stage| StageCount { stage: stage.into(), left })
            .to_vec(),
        routing: Some(Box::new(RoutingRecord {
            catalogue,
            left_out: Vec::new(),
            seed,
            local_time: jiff::civil::time(12, 0, 0, 0),
            groups: GroupSet::default(),
            convertible: Convertible::Yes,
            steps: vec![step],
        })),
        ..RequestRecord::new(RequestId::fresh(), at, Dialect::Claude, Endpoint::Generate, Outcome::Completed)
    }
}

fn chosen(picked: i64) -> RoutingStep {
    RoutingStep { picked: Some(ProviderId(picked)), probability_ppm: 1_000_000, ..RoutingStep::default() }
}

#[tokio::test]
async fn a_request_is_explained_by_the_configuration_that_it_went_by() {
    let api = Api::start().await;
    let main = provider(&api, "main", json!({})).await;
    // By now it would be another one.
    let other = provider(&api, "other", json!({"priority": -1})).await;
    api.patch(&format!("/providers/{main}"), json!({"is_enabled": false, "name": "renamed"})).await.ok();
    let kept = record(1, 0, 5, chosen(main));
    api.repository.write_records(std::slice::from_ref(&kept)).await.unwrap();
    let explained = api.get(&format!("/requests/{}/explain", kept.id)).await.ok();
    insta::assert_json_snapshot!("explanation", explained, {".request_id" => "[id]"});

    // Had it been under the version after that, the record would be wrong.
    let wrong = record(2, 1, 5, chosen(main));
    api.repository.write_records(std::slice::from_ref(&wrong)).await.unwrap();
    let explained = api.get(&format!("/requests/{}/explain", wrong.id)).await.ok();
    assert_eq!(
        (&explained["verdict"], &explained["choices"][0]["picked"]),
        (&json!("different"), &json!(other))
    );
}

#[tokio::test]
async fn what_cannot_be_explained_is_said_to_be() {
    let api = Api::start().await;
    let (_, _, key) = api.user_with_key("ada", json!({"name": "laptop"})).await;
    let mut silent = record(0, 0, 1, chosen(1));
    silent.routing = None;
    let future = record(99, 1, 1, chosen(1));
    let mut strange = record(0, 2, 1, chosen(1));
    strange.routing.as_mut().unwrap().steps[0].health.insert("enchanted".into(), vec![ProviderId(1)]);
    let records = [silent, future, strange];
    api.repository.write_records(&records).await.unwrap();
    for (record, reason) in records.iter().zip(["not_recorded", "catalogue_forgotten", "not_understood"]) {
        let explained = api.get(&format!("/requests/{}/explain", record.id)).await.ok();
        assert_eq!((&explained["verdict"], &explained["reason"]), (&json!("unknown"), &json!(reason)));
    }
    let path = format!("/requests/{}/explain", records[0].id);
    api.call(Method::GET, &path).bearer(&key).send().await.problem(403, "forbidden");
    api.get(&format!("/requests/{}/explain", RequestId::fresh())).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_bound_session_is_explained_by_its_binding() {
    let api = Api::start().await;
    let main = provider(&api, "main", json!({})).await;
    let spare = provider(&api, "spare", json!({"priority": 1})).await;
    let mut step = chosen(main);
    step.health.insert("circuit_open".into(), vec![ProviderId(spare)]);
    step.binding = Some(BindingRecord {
        provider_id: ProviderId(spare),
        idle_us: Some(1_500),
        verdict: "passed_over".into(),
    });
    let mut kept = record(2, 0, 5, step);
    kept.stages = [2, 2, 2, 2, 2, 1, 1]
        .into_iter()
        .zip(kept.stages)
        .map(|(left, count)| StageCount { left, ..count })
        .collect();
    api.repository.write_records(std::slice::from_ref(&kept)).await.unwrap();
    let explained = api.get(&format!("/requests/{}/explain", kept.id)).await.ok();
    assert_eq!(explained["verdict"], "same", "{explained}");
    assert_eq!(
        explained["choices"][0]["binding"],
        json!({"provider_id": spare, "provider_name": "spare", "idle_ms": 1, "verdict": "passed_over", "reason": "circuit_open"})
    );
}

#[tokio::test]
async fn a_simulation_says_who_would_serve_and_who_would_not() {
    let api = Api::start().await;
    let (user, id, key) = api.user_with_key("ada", json!({"name": "laptop", "provider_group": "a"})).await;
    provider(&api, "main", json!({"group_tag": "a", "weight": 3})).await;
    provider(
        &api,
        "half",
        json!({"group_tag": "a", "model_redirects": [{"match": "exact", "source": "m", "target": "n"}]}),
    )
    .await;
    provider(&api, "elsewhere", json!({"group_tag": "b"})).await;
    provider(&api, "picky", json!({"group_tag": "a", "allowed_clients": ["other"]})).await;
    let asked = json!({"key_id": id, "dialect": "claude", "model": "m", "client": "codex"});
    let answer = api.post("/routing/simulate", asked.clone()).await.ok();
    insta::assert_json_snapshot!("simulation", answer);
    let nobody =
        api.post("/routing/simulate", json!({"user_id": user, "dialect": "claude", "model": "m"})).await.ok();
    assert_eq!((&nobody["emptied_by"], &nobody["candidates"]), (&json!("group"), &json!([])));

    let faults = api.post("/routing/simulate", json!({"dialect": "claude"})).await.problem(422, "invalid");
    assert_eq!(faults, ["model"]);
    let twice = json!({"dialect": "claude", "model": "m", "key_id": id, "groups": "a"});
    assert_eq!(api.post("/routing/simulate", twice).await.problem(422, "invalid"), ["groups"]);
    let stranger = json!({"dialect": "claude", "model": "m", "key_id": 99});
    assert_eq!(api.post("/routing/simulate", stranger).await.problem(422, "invalid"), ["key_id"]);
    let own = api.call(Method::POST, "/routing/simulate").bearer(&key).json(&asked).send().await;
    own.problem(403, "forbidden");
}

#[tokio::test]
async fn recorded_requests_are_played_through_under_other_columns() {
    let api = Api::start().await;
    let main = provider(&api, "main", json!({})).await;
    let spare = provider(&api, "spare", json!({"priority": 1})).await;
    let bound = |to: i64| {
        let mut step = chosen(to);
        let verdict = "followed".into();
        step.binding = Some(BindingRecord { provider_id: ProviderId(to), idle_us: Some(1), verdict });
        step.priority = i32::from(to == spare);
        step
    };
    let mut records: Vec<_> = (0..600).map(|at| record(2, at % 200, 7, chosen(main))).collect();
    records.push(record(2, 201, 7, bound(main)));
    records.push(record(2, 202, 7, bound(spare)));
    records.push(record(50, 203, 7, chosen(main)));
    let mut silent = record(2, 204, 7, chosen(main));
    silent.routing = None;
    records.push(silent);
    api.repository.write_records(&records).await.unwrap();

    let nothing = api.post("/routing/what-if", json!({})).await.ok();
    assert_eq!((&nothing["requests"], &nothing["same"]), (&json!(604), &json!(602)), "{nothing}");
    assert_eq!((&nothing["forgotten"], &nothing["not_recorded"]), (&json!(1), &json!(1)));
    assert_eq!(nothing["moves"], json!([]));

    let off = json!({"changes": {main.to_string(): {"is_enabled": false}}});
    insta::assert_json_snapshot!("what_if", api.post("/routing/what-if", off).await.ok());

    // Better by priority, but bound sessions stay unless they are to choose.
    let better = json!({main.to_string(): {"priority": 2}});
    let kept = api.post("/routing/what-if", json!({"changes": better})).await.ok();
    assert_eq!((&kept["moved"], &kept["same"]), (&json!(600), &json!(2)));
    let anew = api.post("/routing/what-if", json!({"changes": better, "sessions": "choose"})).await.ok();
    assert_eq!((&anew["moved"], &anew["same"]), (&json!(602), &json!(0)));

    // A provider that came later.
    let late = provider(&api, "late", json!({"priority": -1})).await;
    let then = api.post("/routing/what-if", json!({})).await.ok();
    let now = api.post("/routing/what-if", json!({"base": "now"})).await.ok();
    assert_eq!((&then["moved"], &now["moved"]), (&json!(0), &json!(600)), "{now}");
    assert_eq!(now["moves"][0]["to"], json!(late));

    let wrong =
        json!({"changes": {"99": {"weight": 1}, main.to_string(): {"url": "https://b", "weight": 2}}});
    let faults = api.post("/routing/what-if", wrong).await.problem(422, "invalid");
    assert_eq!(faults, ["changes.99".to_owned(), format!("changes.{main}.url")]);
    let heavy = json!({"changes": {main.to_string(): {"weight": 2000}}});
    assert_eq!(
        api.post("/routing/what-if", heavy).await.problem(422, "invalid"),
        [format!("changes.{main}.weight")]
    );
    let backwards = json!({"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"});
    assert_eq!(api.post("/routing/what-if", backwards).await.problem(422, "invalid"), ["from"]);
}
