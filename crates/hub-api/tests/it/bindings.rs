//! Clearing bindings.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use hub_session::{
    Admission, BindingChange, ConversationHash, Limits, MemorySessionStore, SessionEnd, SessionStore,
    SessionUsage, Sessions, Trail, Visit,
};
use hub_types::{Clock, Dialect, KeyId, ProviderId, SessionId, UserId};
use serde_json::{Value, json};

use crate::brittle_store::BrittleStore;
use crate::fixture::{ADMIN, Api};

/// A hub with three providers of priorities 0, 1, 2, to which 2, 3, 4 sessions are bound; the last is deleted.
struct Place<S> {
    api: Api,
    store: Arc<S>,
}

impl Place<MemorySessionStore> {
    async fn new() -> Self {
        Self::over(MemorySessionStore::new(Limits::default())).await
    }
}

impl<S: SessionStore> Place<S> {
    async fn over(store: S) -> Self {
        let store = Arc::new(store);
        let sessions = Arc::new(Sessions::new(Arc::clone(&store) as Arc<dyn SessionStore>));
        let api = Api::start_with(|management| management.with_sessions(sessions)).await;
        let place = Self { api, store };
        for (priority, (name, kind)) in
            [("Main relay", "claude"), ("台北", "codex"), ("gone", "claude")].into_iter().enumerate()
        {
            let body = json!({"name": name, "url": "https://a.example", "provider_type": kind, "priority": priority});
            let id = place.api.post("/providers", body).await.created()["id"].as_i64().unwrap();
            place.bind(id, id + 1).await;
        }
        place.api.delete("/providers/3").await.with(204);
        place
    }

    /// So many sessions talk with a provider, and are bound to it. Each is recognised by two hashes.
    async fn bind(&self, provider: i64, sessions: i64) {
        let (key, now) = (KeyId(1), self.api.clock.now());
        for at in 0..sessions {
            let session = SessionId::new(key, &format!("{provider}-{at}"));
            let visit = Visit {
                session: &session,
                routing: &session,
                key,
                user: UserId(1),
                key_limit: None,
                user_limit: None,
                dialect: Dialect::Claude,
                model: "sonnet",
            };
            let admission = self.store.enter(&visit, now).await.unwrap();
            assert!(matches!(admission, Admission::Admitted(_)));
            assert!(self.store.take_slot(&session, ProviderId(provider), None, now).await.unwrap());
            let hash = ConversationHash(u64::try_from(provider * 1000 + at * 10).unwrap());
            let trail = Trail { hashes: [hash].into_iter().collect(), known: 0 };
            let end = SessionEnd {
                session: &session,
                routing: &session,
                binding: BindingChange::Bind(ProviderId(provider)),
                binding_ttl: Duration::from_secs(300),
                provider: Some(ProviderId(provider)),
                status: 200,
                usage: SessionUsage { requests: 1, ..SessionUsage::default() },
                trail: Some(&trail),
                answer: None,
            };
            self.store.leave(&end, now);
        }
    }

    /// How many sessions are bound to these providers.
    async fn bound(&self, providers: &[i64]) -> u64 {
        let wanted: HashSet<ProviderId> = providers.iter().copied().map(ProviderId).collect();
        self.store.survey(&wanted, &|_| {}).await.unwrap().values().sum()
    }
}

/// The ids of the providers meant.
fn meant(answer: &Value) -> Vec<i64> {
    answer["providers"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_dry_run_counts_and_changes_nothing() {
    let place = Place::new().await;
    let api = &place.api;
    let answer = api.post("/sessions/clear-bindings", json!({"priority": 1, "dry_run": true})).await.ok();
    let main = json!({"id": 1, "name": "Main relay", "type": "claude", "priority": 0, "is_deleted": false, "sessions": 2});
    assert_eq!(answer, json!({"dry_run": true, "providers": [main], "sessions": 2, "conversations": 0}));
    assert_eq!(place.bound(&[1]).await, 2);
    assert_eq!(api.get("/providers/1").await.ok()["generation"], 0);
    assert_ne!(api.get("/audit").await.ok()["items"][0]["action"], "sessions.clear_bindings");
}

#[tokio::test]
async fn filters_are_combined_and_the_deleted_are_found_by_id() {
    let place = Place::new().await;
    let api = &place.api;
    place.bind(77, 5).await;
    for (filter, ids) in [
        (json!({"name": "RELAY"}), vec![1]),
        (json!({"name": "北", "type": "codex", "priority": 2}), vec![2]),
        (json!({"name": "relay", "type": "codex"}), vec![]),
        (json!({"type": "claude"}), vec![1]),
        (json!({"id": [3, 1, 77]}), vec![1, 3, 77]),
        (json!({"id": [3, 2], "type": "claude"}), vec![3]),
        (json!({"all": true}), vec![1, 2, 3]),
    ] {
        let mut body = filter.clone();
        body["dry_run"] = json!(true);
        let answer = api.post("/sessions/clear-bindings", body).await.ok();
        assert_eq!(meant(&answer), ids, "{filter}");
    }
    let unknown = api.post("/sessions/clear-bindings", json!({"id": [77], "dry_run": true})).await.ok();
    let expected =
        json!({"id": 77, "name": null, "type": null, "priority": null, "is_deleted": true, "sessions": 5});
    assert_eq!(unknown["providers"][0], expected);
}

#[tokio::test]
async fn clearing_raises_generations_and_is_audited() {
    let place = Place::new().await;
    let api = &place.api;
    let answer = api.post("/sessions/clear-bindings", json!({"id": [1, 3]})).await.ok();
    assert_eq!((&answer["sessions"], &answer["conversations"]), (&json!(6), &json!(6)));
    assert_eq!((&answer["dry_run"], meant(&answer)), (&json!(false), vec![1, 3]));
    assert_eq!((place.bound(&[1, 3]).await, place.bound(&[2]).await), (0, 3));
    assert_eq!(api.get("/providers/1").await.ok()["generation"], 1);
    assert_eq!(api.get("/providers/2").await.ok()["generation"], 0);
    let entry = &api.get("/audit").await.ok()["items"][0];
    assert_eq!(
        (&entry["action"], &entry["actor"]),
        (&json!("sessions.clear_bindings"), &json!("admin-token"))
    );
    let bound = json!([{"id": 1, "sessions": 2}, {"id": 3, "sessions": 4}]);
    assert_eq!(entry["before"]["providers"], bound);
}

#[tokio::test]
async fn a_store_that_fails_in_the_middle_leaves_the_rest_for_the_next_time() {
    let place = Place::over(BrittleStore::new()).await;
    let (api, now) = (&place.api, place.api.clock.now());
    place.store.clears_at_most(Some(4), now);
    let answer = api.post("/sessions/clear-bindings", json!({"all": true})).await;
    let detail = answer.json["detail"].as_str().unwrap().to_owned();
    answer.problem(503, "partly_cleared");
    assert!(
        detail.contains("4 session bindings were cleared") && detail.contains("up to 5 are left"),
        "{detail}"
    );
    assert!(!detail.contains("cut off"), "what failed is for the log: {detail}");
    api.post("/sessions/clear-bindings", json!({"all": true})).await.problem(503, "partly_cleared");
    assert_eq!(place.bound(&[1, 2, 3]).await, 5);
    place.store.clears_at_most(None, now);
    let answer = api.post("/sessions/clear-bindings", json!({"all": true})).await.ok();
    assert_eq!((&answer["sessions"], place.bound(&[1, 2, 3]).await), (&json!(5), 0));
}

#[tokio::test]
async fn mistakes_are_named_and_everything_has_to_be_said() {
    let place = Place::new().await;
    let api = &place.api;
    for (body, fields) in [
        (json!({}), vec!["all"]),
        (json!({"dry_run": true}), vec!["all"]),
        (json!({"all": true, "priority": 3}), vec!["all"]),
        (json!({"id": []}), vec!["id"]),
        (json!({"name": ""}), vec!["name"]),
        (json!({"type": "claud", "priority": "high", "colour": 1}), vec!["type", "priority", "colour"]),
    ] {
        let answer = api.post("/sessions/clear-bindings", body.clone()).await;
        assert_eq!(answer.problem(422, "invalid"), fields, "{body}");
    }
    assert_eq!(place.bound(&[1, 2, 3]).await, 9);
}

#[tokio::test]
async fn only_an_admin_may_and_only_where_there_are_sessions() {
    let place = Place::new().await;
    let api = &place.api;
    let (_, _, key) = api.user_with_key("ada", json!({"name": "laptop"})).await;
    let body = json!({"all": true});
    let call = || api.call(Method::POST, "/sessions/clear-bindings").json(&body);
    call().bearer(&key).send().await.problem(403, "forbidden");
    call().send().await.problem(401, "unauthenticated");
    let without = Api::start().await;
    let answer =
        without.call(Method::POST, "/sessions/clear-bindings").json(&body).bearer(ADMIN).send().await;
    answer.problem(503, "no_sessions");
}
