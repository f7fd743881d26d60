//! Active sessions over REST.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use hub_session::{
    Admission, BindingChange, Limits, MemorySessionStore, MessagePart, SessionEnd, SessionUsage, Sessions,
    Visit,
};
use hub_types::{
    Clock, Dialect, Endpoint, KeyId, Money, Outcome, ProviderId, RequestId, RequestRecord, SessionId, UserId,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::fixture::{Api, Call};

/// A hub where people talk.
struct Hall {
    api: Api,
    sessions: Arc<Sessions>,
    /// Two users, each with a key.
    ada: (i64, i64, String),
    bob: (i64, i64, String),
}

impl Hall {
    async fn open() -> Self {
        let store = MemorySessionStore::new(Limits::default());
        let sessions = Arc::new(Sessions::new(Arc::new(store)));
        let api = Api::start_with(|management| management.with_sessions(Arc::clone(&sessions))).await;
        let ada = api.user_with_key("ada", json!({"name": "laptop"})).await;
        let bob = api.user_with_key("bob", json!({"name": "desk"})).await;
        let provider = json!({"name": "main", "url": "https://api.example", "provider_type": "claude",
            "credential": "sk-1"});
        assert_eq!(api.post("/providers", provider).await.created()["id"], 1);
        Self { api, sessions, ada, bob }
    }

    /// A request comes in, and stays under way.
    async fn enter(&self, owner: &(i64, i64, String), name: &str) -> SessionId {
        let session = SessionId::new(KeyId(owner.1), name);
        let visit = Visit {
            session: &session,
            routing: &session,
            key: KeyId(owner.1),
            user: UserId(owner.0),
            key_limit: None,
            user_limit: None,
            dialect: Dialect::Claude,
            model: "sonnet",
        };
        let admission = self.sessions.store().enter(&visit, self.api.clock.now()).await.unwrap();
        assert!(matches!(admission, Admission::Admitted(_)));
        session
    }

    /// A request that the provider answers.
    async fn talk(&self, owner: &(i64, i64, String), name: &str, provider: i64) -> SessionId {
        let session = self.enter(owner, name).await;
        let end = SessionEnd {
            session: &session,
            routing: &session,
            binding: BindingChange::Bind(ProviderId(provider)),
            binding_ttl: Duration::from_secs(300),
            provider: Some(ProviderId(provider)),
            status: 200,
            usage: SessionUsage {
                requests: 1,
                input_tokens: 100,
                output_tokens: 20,
                cost: Money::from_nanos(1_500_000),
            },
            trail: None,
            answer: None,
        };
        self.sessions.leave(&end, 0, self.api.clock.now());
        session
    }

    fn by<'a>(&'a self, who: &'a (i64, i64, String), method: Method, path: &str) -> Call<'a> {
        self.api.call(method, path).bearer(&who.2)
    }
}

fn ids(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["session_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_session_shows_who_talks_with_whom_and_what_it_cost() {
    let hall = Hall::open().await;
    hall.talk(&hall.ada, "a", 1).await;
    hall.api.clock.advance(60);
    hall.talk(&hall.ada, "a", 1).await;
    hall.enter(&hall.ada, "a").await;
    hall.api.clock.advance(5);
    let list = hall.api.get("/sessions").await.ok();
    assert_eq!(list["next_cursor"], Value::Null);
    insta::assert_json_snapshot!("session", list["items"][0]);
}

#[tokio::test]
async fn sessions_are_found_by_every_filter_and_end_by_themselves() {
    let hall = Hall::open().await;
    hall.talk(&hall.ada, "a", 1).await;
    hall.api.clock.advance(1);
    hall.talk(&hall.bob, "b", 7).await;
    hall.api.clock.advance(1);
    hall.talk(&hall.ada, "c", 7).await;
    for (query, expected) in [
        ("", vec!["k1.c", "k2.b", "k1.a"]),
        ("?user_id=1", vec!["k1.c", "k1.a"]),
        ("?key_id=2", vec!["k2.b"]),
        ("?provider_id=7", vec!["k1.c", "k2.b"]),
        ("?provider_id=7&user_id=1", vec!["k1.c"]),
        ("?key_id=9", vec![]),
        ("?limit=1", vec!["k1.c"]),
    ] {
        let list = hall.api.get(&format!("/sessions{query}")).await.ok();
        assert_eq!(ids(&list), expected, "{query}");
    }
    let wrong = hall.api.get("/sessions?limit=201&cursor=x").await;
    assert_eq!(wrong.problem(422, "invalid"), ["limit"]);
    assert_eq!(hall.api.get("/sessions?cursor=x").await.problem(422, "invalid"), ["cursor"]);
    hall.api.clock.advance(299);
    assert_eq!(ids(&hall.api.get("/sessions").await.ok()), ["k1.c"]);
}

#[tokio::test]
async fn pages_cover_all_sessions_once() {
    let hall = Hall::open().await;
    let (mut expected, mut moment) = (Vec::new(), 0);
    for n in 0..7 {
        // Some of them at the same moment: then the id decides.
        let step = i64::from(n == 1 || n == 6);
        hall.api.clock.advance(step);
        moment -= step;
        expected.push((moment, hall.talk(&hall.ada, &format!("s{n}"), 1).await.to_string()));
    }
    expected.sort();
    for filter in ["", "&user_id=1"] {
        let mut seen = Vec::new();
        let mut path = format!("/sessions?limit=3{filter}");
        loop {
            let page = hall.api.get(&path).await.ok();
            assert!(ids(&page).len() <= 3);
            seen.extend(ids(&page).into_iter().map(str::to_owned));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/sessions?limit=3{filter}&cursor={cursor}");
        }
        let expected: Vec<_> = expected.iter().map(|(_, id)| id.clone()).collect();
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn ordinary_users_see_their_own_sessions_without_providers_and_end_none() {
    let hall = Hall::open().await;
    let own = hall.talk(&hall.ada, "a", 1).await;
    let theirs = hall.talk(&hall.bob, "b", 1).await;
    hall.sessions.store().keep_messages(&own, MessagePart::Request, "{}".into(), hall.api.clock.now());
    let list = hall.by(&hall.ada, Method::GET, "/sessions").send().await.ok();
    assert_eq!(ids(&list), [own.as_str()]);
    assert_eq!(
        (&list["items"][0]["provider_id"], &list["items"][0]["is_bound"]),
        (&Value::Null, &json!(true))
    );
    assert_eq!(list["items"][0]["provider_name"], Value::Null);
    let detail = hall.by(&hall.ada, Method::GET, &format!("/sessions/{own}")).send().await.ok();
    assert_eq!((&detail["messages"], &detail["provider_id"]), (&Value::Null, &Value::Null));
    for (method, path, status, code) in [
        (Method::GET, format!("/sessions/{theirs}"), 404, "not_found"),
        (Method::GET, "/sessions?user_id=2".to_owned(), 404, "not_found"),
        (Method::GET, "/sessions?provider_id=1".to_owned(), 403, "forbidden"),
        (Method::DELETE, format!("/sessions/{own}"), 403, "forbidden"),
        (Method::DELETE, format!("/sessions/{theirs}"), 403, "forbidden"),
    ] {
        hall.by(&hall.ada, method, &path).send().await.problem(status, code);
    }
    let many =
        hall.by(&hall.ada, Method::POST, "/sessions/terminate").json(&json!({"session_ids": [own.as_str()]}));
    many.send().await.problem(403, "forbidden");
    hall.api.call(Method::GET, "/sessions").send().await.problem(401, "unauthenticated");
    let other_key = hall.by(&hall.ada, Method::GET, "/sessions?key_id=2").send().await.ok();
    assert_eq!(ids(&other_key), [""; 0]);
}

/// A request that the database keeps.
fn record(at: &str, session: &SessionId) -> RequestRecord {
    let at: Timestamp = at.parse().unwrap();
    RequestRecord {
        user_id: Some(UserId(1)),
        key_id: Some(session.key()),
        session_id: Some(session.to_string()),
        ..RequestRecord::new(RequestId::fresh(), at, Dialect::Claude, Endpoint::Generate, Outcome::Completed)
    }
}

#[tokio::test]
async fn a_session_has_its_requests_in_order() {
    let hall = Hall::open().await;
    let session = hall.talk(&hall.ada, "a", 1).await;
    let other = SessionId::new(KeyId(1), "other");
    let records = [
        record("2026-03-01T12:20:00Z", &session),
        record("2026-02-01T12:00:00Z", &session),
        record("2026-03-01T12:10:00Z", &session),
        record("2026-03-01T12:15:00Z", &other),
    ];
    hall.api.repository.write_records(&records).await.unwrap();
    let id = |n: usize| json!(records[n].id.to_string());
    let page = hall.api.get("/sessions/k1.a?limit=2").await.ok();
    let log = &page["request_log"];
    assert_eq!(page["requests"], 1);
    assert_eq!((&log["items"][0]["id"], &log["items"][1]["id"]), (&id(1), &id(2)));
    let next = log["next_cursor"].as_str().unwrap();
    let page = hall.api.get(&format!("/sessions/k1.a?limit=2&cursor={next}")).await.ok();
    assert_eq!(page["request_log"]["items"][0]["id"], id(0));
    assert_eq!(page["request_log"]["items"].as_array().unwrap().len(), 1);
    assert_eq!(page["request_log"]["next_cursor"], Value::Null);
    for unknown in ["k1.other", "k1.", "nobody", "k01.a"] {
        hall.api.get(&format!("/sessions/{unknown}")).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn kept_messages_are_shown_as_they_are() {
    let hall = Hall::open().await;
    let session = hall.talk(&hall.ada, "a", 1).await;
    let none = hall.api.get("/sessions/k1.a").await.ok();
    assert_eq!((&none["messages"], &none["response"]), (&Value::Null, &Value::Null));
    let (store, now) = (hall.sessions.store(), hall.api.clock.now());
    store.keep_messages(&session, MessagePart::Request, r#"{"model":"sonnet"}"#.into(), now);
    store.keep_messages(&session, MessagePart::Response, "data: {}\n\n".into(), now);
    let kept = hall.api.get("/sessions/k1.a").await.ok();
    assert_eq!((&kept["messages"]["model"], &kept["response"]), (&json!("sonnet"), &json!("data: {}\n\n")));
}

#[tokio::test]
async fn an_ended_session_begins_anew() {
    let hall = Hall::open().await;
    hall.talk(&hall.ada, "a", 1).await;
    hall.api.delete("/sessions/k1.a").await.with(204);
    hall.api.get("/sessions/k1.a").await.problem(404, "not_found");
    hall.api.delete("/sessions/k1.a").await.problem(404, "not_found");
    let audit = hall.api.get("/audit").await.ok();
    let entry = &audit["items"][0];
    assert_eq!((&entry["action"], &entry["target"]), (&json!("session.end"), &json!("session:k1.a")));
    assert_eq!(entry["before"]["provider_name"], "main");
    hall.enter(&hall.ada, "a").await;
    let again = hall.api.get("/sessions/k1.a").await.ok();
    assert_eq!((&again["requests"], &again["is_bound"]), (&json!(0), &json!(false)));
}

#[tokio::test]
async fn many_sessions_are_ended_at_once() {
    let hall = Hall::open().await;
    for name in ["a", "b", "c"] {
        hall.talk(&hall.ada, name, 1).await;
    }
    let wanted = json!({"session_ids": ["k1.a", "k9.x", "nonsense", "k1.c", "k1.a"]});
    let done = hall.api.post("/sessions/terminate", wanted).await.ok();
    let outcomes: Vec<_> = done["items"].as_array().unwrap().iter().map(|item| &item["outcome"]).collect();
    assert_eq!(outcomes, ["ended", "not_found", "not_found", "ended", "not_found"]);
    assert_eq!((ids(&done)[1], &done["ended"]), ("k9.x", &json!(2)));
    assert_eq!(ids(&hall.api.get("/sessions").await.ok()), ["k1.b"]);
    let entry = &hall.api.get("/audit").await.ok()["items"][0];
    assert_eq!((&entry["action"], &entry["before"]), (&json!("session.terminate"), &json!(["k1.a", "k1.c"])));

    let many: Vec<_> = (0..201).map(|n| format!("k1.{n}")).collect();
    for wrong in
        [json!({}), json!({"session_ids": []}), json!({"session_ids": many}), json!({"session_ids": [1]})]
    {
        let fields = hall.api.post("/sessions/terminate", wrong).await.problem(422, "invalid");
        assert_eq!(fields, ["session_ids"]);
    }
    let wrong = json!({"session_ids": ["k1.b"], "force": true});
    assert_eq!(hall.api.post("/sessions/terminate", wrong).await.problem(422, "invalid"), ["force"]);
}

#[tokio::test]
async fn a_process_without_sessions_says_so() {
    let api = Api::start().await;
    let answer = api.get("/sessions").await;
    assert_eq!(answer.json["detail"], "this process keeps no sessions");
    answer.problem(503, "no_sessions");
    api.get("/sessions/k1.a").await.problem(503, "no_sessions");
    api.delete("/sessions/k1.a").await.problem(503, "no_sessions");
    api.post("/sessions/terminate", json!({"session_ids": ["k1.a"]})).await.problem(503, "no_sessions");
}
