//! How providers stand, and giving them another chance, over REST.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use hub_circuit_breaker::{BreakerConfig, BreakerStore, CoolDowns, Event, MemoryBreakerStore};
use hub_types::ProviderId;
use serde_json::{Value, json};

use crate::fixture::Api;

struct Place {
    api: Api,
    breakers: Arc<MemoryBreakerStore>,
    pauses: Arc<CoolDowns>,
}

impl Place {
    /// A hub with one provider, the first.
    async fn new() -> Self {
        let (breakers, pauses) = (Arc::new(MemoryBreakerStore::new()), Arc::new(CoolDowns::default()));
        let (shared, also) = (Arc::clone(&breakers) as Arc<dyn BreakerStore>, Arc::clone(&pauses));
        let api = Api::start_with(|management| management.with_breakers(shared, also)).await;
        let fields = json!({
            "name": "relay", "url": "https://relay.example", "provider_type": "claude", "credential": "sk-x",
            "failure_threshold": 2, "open_duration_ms": 60_000,
        });
        api.post("/providers", fields).await;
        Self { api, breakers, pauses }
    }

    async fn fail(&self) {
        let config =
            BreakerConfig { failure_threshold: 2, open_duration_ms: 60_000, ..BreakerConfig::default() };
        let now = hub_types::Clock::now(&*self.api.clock);
        self.breakers.record(ProviderId(1), Event::Failure { trial: None }, config, now).await;
    }
}

#[tokio::test]
async fn a_providers_breaker_and_pause_are_shown() {
    let place = Place::new().await;
    let fresh = place.api.get("/providers/1/health").await.ok();
    assert_eq!(
        fresh,
        json!({
            "provider_id": 1, "breaker": "closed", "failures": 0, "opened_at": null, "reopens_at": null,
            "is_on_trial": false, "paused_until": null, "windows": [],
        })
    );
    let now = hub_types::Clock::now(&*place.api.clock);
    place.fail().await;
    place.fail().await;
    place.pauses.pause(ProviderId(1), Duration::from_secs(7), now);
    let open = place.api.get("/providers/1/health").await.ok();
    assert_eq!((&open["breaker"], &open["failures"]), (&json!("open"), &json!(2)));
    let moment = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second();
    assert_eq!(moment(&open["opened_at"]), now.as_second());
    assert_eq!(moment(&open["reopens_at"]), now.as_second() + 60);
    assert_eq!(moment(&open["paused_until"]), now.as_second() + 7);
}

#[tokio::test]
async fn a_reset_closes_the_breaker_ends_the_pause_and_is_audited() {
    let place = Place::new().await;
    place.fail().await;
    place.fail().await;
    place.pauses.pause(ProviderId(1), Duration::from_secs(7), hub_types::Clock::now(&*place.api.clock));
    let view = place.api.post("/providers/1/breaker/reset", json!(null)).await.ok();
    assert_eq!((&view["breaker"], &view["failures"]), (&json!("closed"), &json!(0)));
    assert_eq!(view["paused_until"], Value::Null);
    let entry = &place.api.get("/audit").await.ok()["items"][0];
    assert_eq!(
        (&entry["action"], &entry["target"]),
        (&json!("provider.breaker_reset"), &json!("provider:1"))
    );
}

#[tokio::test]
async fn only_admins_see_it_and_only_where_there_are_breakers() {
    let place = Place::new().await;
    let (_, _, key) = place.api.user_with_key("ada", json!({"name": "laptop"})).await;
    for (method, path) in [
        (Method::GET, "/providers/1/health"),
        (Method::POST, "/providers/1/breaker/reset"),
        (Method::POST, "/providers/1/test"),
        (Method::GET, "/providers/1/models"),
    ] {
        place.api.call(method, path).bearer(&key).send().await.problem(403, "forbidden");
    }
    place.api.get("/providers/9/health").await.problem(404, "not_found");
    let without = Api::start().await;
    let fields = json!({
        "name": "relay", "url": "https://relay.example", "provider_type": "claude", "credential": "sk-x",
    });
    without.post("/providers", fields).await;
    without.get("/providers/1/health").await.problem(503, "no_breakers");
    without.post("/providers/1/test", json!({})).await.problem(503, "no_provider_tests");
    without.get("/providers/1/models").await.problem(503, "no_provider_tests");
    let wrong = without.post("/providers/1/test", json!({"modell": "x"})).await.problem(422, "invalid");
    assert_eq!(wrong, ["modell"]);
    without.post("/providers/9/test", json!({})).await.problem(404, "not_found");
}
