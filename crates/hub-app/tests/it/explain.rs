//! Decisions of a running hub, explained afterwards.

use std::collections::BTreeMap;

use hub_lab::{Behaviour, Scenario};
use hub_management::view::{ExplanationVerdict, ExplanationView};
use hub_types::{Dialect, ProviderId, RequestId};
use serde_json::{Value, json};

use crate::harness::client::Request;
use crate::harness::speech;
use crate::harness::world::{Hub, ME, Setup, lab, object};

const CLAUDE: Dialect = Dialect::Claude;

async fn explained(hub: &Hub, id: &str) -> ExplanationView {
    hub.record(id).await;
    let id: RequestId = id.parse().unwrap();
    hub.management().explain_request(&ME, id).await.unwrap()
}

/// Edits a provider as an admin does, and waits until requests go by it.
async fn edit(hub: &Hub, provider: ProviderId, patch: Value) {
    hub.management().update_provider(&ME, provider, &object(patch)).await.unwrap();
    hub.app.catch_up().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_decision_comes_out_the_same_when_it_is_computed_again() {
    let (setup, well, ill) = (Setup::new().await, lab().await, lab().await);
    let failure = Behaviour { status: Some(503), ..Behaviour::default() };
    ill.set_scenario(Scenario::always(failure));
    let provider =
        async |name: &str, url: &str, more: Value| setup.provider_for(CLAUDE, name, url, more).await;
    let main = provider("main", &well.url(), json!({"weight": 3})).await;
    let narrow = provider("narrow", &well.url(), json!({"limit_concurrent_sessions": 1, "weight": 9})).await;
    let broken = provider("broken", &ill.url(), json!({"weight": 2})).await;
    let spare = provider("spare", &well.url(), json!({"priority": 1})).await;
    provider("elsewhere", &well.url(), json!({"group_tag": "b"})).await;
    let key = setup.member().await;
    let hub = setup.start().await;

    let mut ids = Vec::new();
    for round in 0..120 {
        match round {
            30 => edit(&hub, main, json!({"weight": 1, "allowed_clients": ["codex"]})).await,
            50 => edit(&hub, main, json!({"allowed_clients": []})).await,
            60 => edit(&hub, narrow, json!({"is_enabled": false})).await,
            80 => edit(&hub, spare, json!({"priority": -1, "fail_back": "at_once"})).await,
            100 => {
                for one in [main, spare, broken] {
                    edit(&hub, one, json!({"blocked_clients": ["reqwest", "claude-cli"]})).await;
                }
            }
            _ => {}
        }
        let agent = if round % 3 == 0 { "codex_exec/1.0" } else { "claude-cli/2.0.1" };
        let reply = Request::post(speech::path(CLAUDE, false), speech::body(CLAUDE, false))
            .key(&key.text)
            .header("x-session-id", format!("session-{}", round % 25))
            .header("user-agent", agent)
            .send(hub.address)
            .await;
        ids.push(reply.id().to_owned());
    }
    let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
    for id in &ids {
        let explained = explained(&hub, id).await;
        assert_eq!(explained.verdict, ExplanationVerdict::Same, "{explained:#?}");
        for choice in explained.choices {
            let binding = choice.binding.map_or_else(|| "none".to_owned(), |binding| binding.verdict);
            *kinds.entry(binding).or_default() += 1;
            let reasons = choice.stages.into_iter().flat_map(|stage| stage.dropped);
            for dropped in reasons {
                *kinds.entry(dropped.reason).or_default() += 1;
            }
            *kinds.entry(format!("served: {}", choice.picked.is_some())).or_default() += 1;
        }
    }
    for kind in [
        "none",
        "followed",
        "returned",
        "dropped",
        "concurrent_limit_failed",
        "group_filtered",
        "disabled",
        "client_restriction",
        "excluded",
        "lower_priority",
        "served: false",
    ] {
        assert!(kinds.contains_key(kind), "no {kind} among {kinds:?}");
    }
    // Played through under what was, nothing changes; without the spare one, others would have served.
    let same = hub.management().what_if(&ME, &object(json!({}))).await.unwrap();
    assert_eq!((same.requests, same.same), (120, 120), "{same:?}");
    let without = json!({"changes": {spare.to_string(): {"is_enabled": false}}, "sessions": "choose"});
    let without = hub.management().what_if(&ME, &object(without)).await.unwrap();
    assert!(without.moved > 0 && without.moves.iter().all(|row| row.from == Some(spare)), "{without:?}");
}
