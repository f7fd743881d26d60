//! After a busy run nothing is in Redis but what is promised to operators, and all of it goes by itself.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use hub_testkit::Redis;
use hub_types::Dialect;
use serde_json::{Value, json};

use super::store::Store;
use super::town::{Request, Town};
use crate::harness::eventually;

const PATIENCE: Duration = Duration::from_secs(30);
/// SESSION_TTL as it is when nobody sets it, in seconds.
const SESSION: i64 = 300;

/// A row of the table of keys: its name, the type of its value, and the most seconds that it lasts (`None`:
/// without an end).
type Row = (&'static str, &'static str, Option<i64>);

const BELONGINGS: [Row; 9] = [
    ("provider", "string", Some(SESSION)),
    ("key", "string", Some(SESSION)),
    ("info", "hash", Some(SESSION)),
    ("usage", "hash", Some(SESSION)),
    ("last_seen", "string", Some(SESSION)),
    ("messages", "string", Some(SESSION)),
    ("response", "string", Some(SESSION)),
    ("concurrent_count", "string", Some(600)),
    ("seq", "string", Some(24 * 3600)),
];
/// Those of them that are optional.
const MESSAGES: [&str; 2] = ["messages", "response"];
const ROSTERS: [Row; 4] = [
    ("global", "zset", Some(3600)),
    ("key", "zset", Some(3600)),
    ("user", "zset", Some(3600)),
    ("provider", "zset", Some(3600)),
];
const POOL: [Row; 3] =
    [("available", "set", None), ("current", "string", None), ("last_switch", "string", None)];
const CONVERSATION: Row = ("hash", "string", Some(3600));

const HOUR: i64 = 3600;
/// What limits and breakers keep (docs/limits.md, docs/circuit-breaker.md).
const LIMITS: [Row; 6] = [
    ("counters", "string", Some(40 * 24 * HOUR)),
    ("rpm", "hash", Some(62 + HOUR)),
    ("5h_rolling", "hash", Some(6 * HOUR + 120)),
    ("day_rolling", "hash", Some(25 * HOUR + 120)),
    ("held", "hash", Some(900 + HOUR)),
    ("done", "zset", Some(HOUR)),
];
const BREAKER: Row = ("breaker", "hash", Some(24 * HOUR));

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_session(text: &str) -> bool {
    let rest = text.strip_prefix('k').and_then(|rest| rest.split_once('.'));
    rest.is_some_and(|(key, id)| is_number(key) && !id.is_empty())
}

/// The row that a key belongs to.
fn row(key: &str) -> Option<Row> {
    let named = |rows: &[Row], name: &str| rows.iter().find(|row| row.0 == name).copied();
    if let Some(what) = key.strip_prefix("session_pool:") {
        return named(&POOL, what);
    }
    if let Some((owner, what)) = key.strip_prefix("limit:{").and_then(|key| key.split_once("}:")) {
        let is_owner =
            owner.split_once(':').is_some_and(|(kind, id)| matches!(kind, "u" | "p") && is_number(id));
        return match what.split(':').collect::<Vec<_>>()[..] {
            _ if !is_owner => None,
            ["user" | "provider"] => named(&LIMITS, "counters"),
            ["key", id] if is_number(id) => named(&LIMITS, "counters"),
            ["held" | "done"] => named(&LIMITS, what),
            ["user" | "provider", slot] => named(&LIMITS, slot),
            ["key", id, slot] if is_number(id) => named(&LIMITS, slot),
            _ => None,
        };
    }
    match key.split(':').collect::<Vec<_>>()[..] {
        ["circuit_breaker", "state", id] if is_number(id) => Some(BREAKER),
        ["session", session, what] if is_session(session) => named(&BELONGINGS, what),
        ["hash", key, hash] if is_number(key) && hash.len() == 16 => {
            hash.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(CONVERSATION)
        }
        ["global", "active_sessions"] => named(&ROSTERS, "global"),
        [owner, id, "active_sessions"] if is_number(id) && owner != "global" => named(&ROSTERS, owner),
        _ => None,
    }
}

/// A path, a body and the providers' type of each dialect.
fn speech(dialect: Dialect, stream: bool) -> (&'static str, Value) {
    let user = json!([{"role": "user", "content": "Hello"}]);
    let contents = json!([{"role": "user", "parts": [{"text": "Hello"}]}]);
    match (dialect, stream) {
        (Dialect::Claude, _) => (
            "/v1/messages",
            json!({"model": "claude-sonnet-4-5", "max_tokens": 9, "stream": stream, "messages": user}),
        ),
        (Dialect::OpenAi, _) => {
            ("/v1/chat/completions", json!({"model": "gpt-5", "stream": stream, "messages": user}))
        }
        (Dialect::Responses, _) => {
            ("/v1/responses", json!({"model": "gpt-5-codex", "stream": stream, "input": "Hello"}))
        }
        (Dialect::Gemini, true) => {
            ("/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse", json!({"contents": contents}))
        }
        (Dialect::Gemini, false) => {
            ("/v1beta/models/gemini-2.5-pro:generateContent", json!({"contents": contents}))
        }
        (Dialect::GeminiCli, true) => (
            "/v1internal:streamGenerateContent?alt=sse",
            json!({"model": "gemini-2.5-pro", "project": "p", "request": {"contents": contents}}),
        ),
        (Dialect::GeminiCli, false) => (
            "/v1internal:generateContent",
            json!({"model": "gemini-2.5-pro", "project": "p", "request": {"contents": contents}}),
        ),
    }
}

fn providers() -> Vec<Value> {
    let kinds = ["claude", "claude-auth", "openai-compatible", "codex", "gemini", "gemini-cli"];
    let mut providers: Vec<Value> =
        kinds.iter().map(|kind| json!({"provider_type": kind, "conversion": "never"})).collect();
    providers.push(json!({"provider_type": "claude", "limit_concurrent_sessions": 3, "session_ttl": 60}));
    providers
}

/// Whole answers, streams, failures, clients that leave early or late: with and without an id.
async fn talk(town: &Town, dialect: Dialect, round: usize) {
    let scripts =
        ["", "status=500", "latency_ms=50", "chunks=6; chunk_ms=10", "chunks=4; truncate_after=2; cut=reset"];
    let requests = scripts.iter().enumerate().flat_map(|(at, script)| {
        [(false, false), (false, true), (true, false), (true, true)].map(|(stream, is_named)| {
            let (path, body) = speech(dialect, stream);
            let request = Request::post(path, body).lab(script);
            let id = format!("{dialect}-{round}-{at}");
            (if is_named { request.header("x-session-id", &id) } else { request }, at)
        })
    });
    join_all(requests.map(|(request, at)| async move {
        let mut connection = town.begin((round + at) % 2, &request).await;
        match at {
            // Gone before there is an answer, gone in the middle of it.
            2 => tokio::time::sleep(Duration::from_millis(10)).await,
            3 => drop(connection.read_until(|answer| !answer.body.is_empty()).await),
            _ => drop(connection.read().await),
        }
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_in_redis_is_in_the_table_and_has_an_end() {
    let redis = Redis::start().await.unwrap();
    let settings = [("STORE_SESSION_MESSAGES", "true"), ("USE_SESSION_POOL", "true")];
    let town = Town::build(&redis.url(), &settings, &providers()).await;
    let store = Store::at(&redis.url()).await;
    let budgets = json!({
        "rpm_limit": 10_000, "limit_5h_usd": "1000", "limit_daily_usd": "1000", "daily_reset_mode": "rolling",
    });
    town.admin().patch(&format!("/users/{}", town.user), budgets).await;
    let limited = town.key(json!({"name": "ci", "limit_concurrent_sessions": 1})).await;
    let trusted = town.key(json!({"name": "desk", "collect_session": true})).await;

    for round in 0..3 {
        join_all(Dialect::ALL.map(|dialect| talk(&town, dialect, round))).await;
        for turn in 1..=3 {
            let conversation = Request::turn(&format!("conversation {round}"), turn);
            assert_eq!(town.send(turn % 2, &conversation).await.status, 200);
        }
        for name in ["one", "two"] {
            let name = format!("{name}-{round}");
            assert_eq!(town.send(round % 2, &Request::named(&name).key(&trusted)).await.status, 200);
            let refused = town.send(round % 2, &Request::named(&name).key(&limited)).await.status;
            assert!(refused == 200 || refused == 429);
        }
    }
    // An answer that a later request refers to.
    let (path, body) = speech(Dialect::Responses, false);
    let answer = town.send(0, &Request::post(path, body.clone())).await.json();
    let mut later = body;
    later["previous_response_id"] = answer["id"].clone();
    assert_eq!(town.send(1, &Request::post(path, later)).await.status, 200);
    // The pool moves on.
    let moved = town.admin().call_at("POST", "/admin/session-pool/switch", &Value::Null).await;
    assert_eq!(moved.status, 200, "{}", moved.text());
    // Somebody is talking all the time.
    let slow = Request::named("slow").lab("latency_ms=3000");
    let mut slow = town.begin(0, &slow).await;

    let all = [&BELONGINGS[..], &ROSTERS, &POOL, &[CONVERSATION], &LIMITS].concat();
    let mut missing: BTreeSet<Row> = all.into_iter().filter(|row| !MESSAGES.contains(&row.0)).collect();
    let look = async || {
        for key in store.keys("*").await {
            let row = row(&key).unwrap_or_else(|| panic!("{key} is not in the table"));
            let (kind, left) = (store.ask("TYPE", &key).await, store.ask("PTTL", &key).await.int().unwrap());
            if left == -2 {
                // It went meanwhile.
                continue;
            }
            assert_eq!(kind.text(), Some(row.1), "{key}");
            match row.2 {
                None => assert_eq!(left, -1, "{key}"),
                Some(most) => assert!((1..=most * 1000).contains(&left), "{key} has {left} ms left"),
            }
            missing.remove(&row);
        }
        println!("not seen yet: {missing:?}");
        missing.is_empty().then_some(())
    };
    eventually("each row of the table was seen", PATIENCE, look).await;
    assert_eq!(slow.read().await.unwrap().status, 200);
    town.close().await;
}
