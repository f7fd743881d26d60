//! Clearing bindings.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::Method;
use hub_session::{
    ActiveSession, Admission, ClearError, Cleared, ConversationHash, Known, MessagePart, Observed, Present,
    SessionEnd, SessionStore, Sessions, StoreUnavailable, StoredMessages, Visit,
};
use hub_types::{KeyId, ProviderId, SessionId};
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::fixture::{ADMIN, Api};

type Stored<T> = Result<T, StoreUnavailable>;

/// Knows only how many sessions are bound to whom; each has two conversation hashes.
#[derive(Default)]
struct Counts {
    bound: Mutex<HashMap<ProviderId, u64>>,
    /// How many more sessions can be removed before it fails.
    strength: Mutex<Option<u64>>,
}

#[async_trait]
impl SessionStore for Counts {
    async fn find_conversation(
        &self,
        _: KeyId,
        _: &[ConversationHash],
        _: Timestamp,
    ) -> Stored<Option<Known>> {
        Ok(None)
    }

    async fn enter(&self, _: &Visit<'_>, _: Timestamp) -> Stored<Admission> {
        Ok(Admission::Admitted(Present::default()))
    }

    async fn take_slot(
        &self,
        _: &SessionId,
        _: ProviderId,
        _: Option<NonZeroU32>,
        _: Timestamp,
    ) -> Stored<bool> {
        Ok(true)
    }

    async fn release_slot(&self, _: &SessionId, _: ProviderId) {}

    async fn drop_binding(&self, _: &SessionId, _: ProviderId) {}

    fn leave(&self, _: &SessionEnd<'_>, _: Timestamp) {}

    async fn drop_bindings(&self, provider: ProviderId, _: Timestamp) -> Stored<u64> {
        Ok(self.bound.lock().remove(&provider).unwrap_or(0))
    }

    async fn list(&self, _: usize, _: Timestamp) -> Stored<Vec<ActiveSession>> {
        Ok(Vec::new())
    }

    async fn find(&self, _: &SessionId, _: Timestamp) -> Stored<Option<ActiveSession>> {
        Ok(None)
    }

    async fn count_at(&self, _: &[ProviderId], _: Timestamp) -> Stored<HashMap<ProviderId, u64>> {
        Ok(HashMap::new())
    }

    async fn end(&self, _: &SessionId, _: Timestamp) -> Stored<bool> {
        Ok(false)
    }

    async fn survey(
        &self,
        providers: &HashSet<ProviderId>,
        _: Observed<'_>,
    ) -> Stored<HashMap<ProviderId, u64>> {
        let bound = self.bound.lock();
        Ok(bound.iter().filter(|(id, _)| providers.contains(id)).map(|(id, count)| (*id, *count)).collect())
    }

    async fn clear(&self, providers: &HashSet<ProviderId>, _: Observed<'_>) -> Result<Cleared, ClearError> {
        let mut done = Cleared::default();
        let (mut bound, mut strength) = (self.bound.lock(), self.strength.lock());
        for provider in providers {
            let Some(count) = bound.get_mut(provider) else { continue };
            while *count > 0 {
                match strength.as_mut() {
                    Some(0) => {
                        return Err(ClearError { done, reason: StoreUnavailable("cut off".to_owned()) });
                    }
                    Some(left) => *left -= 1,
                    None => {}
                }
                *count -= 1;
                *done.sessions.entry(*provider).or_default() += 1;
                done.conversations += 2;
            }
        }
        Ok(done)
    }

    fn keep_messages(&self, _: &SessionId, _: MessagePart, _: Bytes, _: Timestamp) {}

    async fn messages(&self, _: &SessionId, _: Timestamp) -> Stored<StoredMessages> {
        Ok(StoredMessages::default())
    }

    fn is_shared(&self) -> bool {
        false
    }

    async fn sweep(&self, _: Timestamp) {}
}

/// A hub with three providers of priorities 0, 1, 2, to which 2, 3, 4 sessions are bound; the last is deleted.
async fn with_providers() -> (Api, Arc<Counts>) {
    let counts = Arc::new(Counts::default());
    let store: Arc<dyn SessionStore> = Arc::clone(&counts) as _;
    let api = Api::start_with(|management| management.with_sessions(Arc::new(Sessions::new(store)))).await;
    for (priority, (name, kind)) in
        [("Main relay", "claude"), ("台北", "codex"), ("gone", "claude")].into_iter().enumerate()
    {
        let body =
            json!({"name": name, "url": "https://a.example", "provider_type": kind, "priority": priority});
        let id = api.post("/providers", body).await.created()["id"].as_i64().unwrap();
        counts.bound.lock().insert(ProviderId(id), u64::try_from(id).unwrap() + 1);
    }
    api.delete("/providers/3").await.with(204);
    (api, counts)
}

/// The ids of the providers meant.
fn meant(answer: &Value) -> Vec<i64> {
    answer["providers"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_dry_run_counts_and_changes_nothing() {
    let (api, counts) = with_providers().await;
    let answer = api.post("/sessions/clear-bindings", json!({"priority": 1, "dry_run": true})).await.ok();
    let main = json!({"id": 1, "name": "Main relay", "type": "claude", "priority": 0, "is_deleted": false, "sessions": 2});
    assert_eq!(answer, json!({"dry_run": true, "providers": [main], "sessions": 2, "conversations": 0}));
    assert_eq!(counts.bound.lock()[&ProviderId(1)], 2);
    assert_eq!(api.get("/providers/1").await.ok()["generation"], 0);
    assert_ne!(api.get("/audit").await.ok()["items"][0]["action"], "sessions.clear_bindings");
}

#[tokio::test]
async fn filters_are_combined_and_the_deleted_are_found_by_id() {
    let (api, counts) = with_providers().await;
    counts.bound.lock().insert(ProviderId(77), 5);
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
    let (api, counts) = with_providers().await;
    let answer = api.post("/sessions/clear-bindings", json!({"id": [1, 3]})).await.ok();
    assert_eq!((&answer["sessions"], &answer["conversations"]), (&json!(6), &json!(12)));
    assert_eq!((&answer["dry_run"], meant(&answer)), (&json!(false), vec![1, 3]));
    assert_eq!(counts.bound.lock().values().sum::<u64>(), 3);
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
    let (api, counts) = with_providers().await;
    *counts.strength.lock() = Some(4);
    let answer = api.post("/sessions/clear-bindings", json!({"all": true})).await;
    let detail = answer.json["detail"].as_str().unwrap().to_owned();
    answer.problem(503, "partly_cleared");
    assert!(
        detail.contains("4 session bindings were cleared") && detail.contains("up to 5 are left"),
        "{detail}"
    );
    assert!(!detail.contains("cut off"), "what failed is for the log: {detail}");
    api.post("/sessions/clear-bindings", json!({"all": true})).await.problem(503, "partly_cleared");
    *counts.strength.lock() = None;
    let answer = api.post("/sessions/clear-bindings", json!({"all": true})).await.ok();
    assert_eq!((&answer["sessions"], counts.bound.lock().values().sum::<u64>()), (&json!(5), 0));
}

#[tokio::test]
async fn mistakes_are_named_and_everything_has_to_be_said() {
    let (api, counts) = with_providers().await;
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
    assert_eq!(counts.bound.lock().values().sum::<u64>(), 9);
}

#[tokio::test]
async fn only_an_admin_may_and_only_where_there_are_sessions() {
    let (api, _) = with_providers().await;
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
