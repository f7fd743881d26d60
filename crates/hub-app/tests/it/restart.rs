//! What a hub that was restarted still knows.

use hub_app::{App, Parts};
use hub_management::UsageQuery;
use hub_repository::{LimitEventFilter, Repository, Sealer, SqliteRepository, SqliteSettings};
use hub_types::Dialect;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::client::Request;
use crate::harness::speech;
use crate::harness::world::{ME, Setup, lab};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_count_what_was_charged_before_the_restart() {
    let (setup, lab) = (Setup::new().await, lab().await);
    setup.providers(&lab.url()).await;
    let limits = json!({"name": "ada", "limit_5h_usd": 50, "limit_weekly_usd": 100, "limit_total_usd": 1000});
    let ada = setup.user(limits).await;
    let key = setup.key(ada, json!({"name": "laptop", "token_limit": 1_000_000})).await;
    let config = setup.config();
    let hub = setup.start().await;
    for stream in [false, true] {
        let path = speech::path(Dialect::Claude, stream);
        let request = Request::post(path, speech::body(Dialect::Claude, stream)).key(&key.text);
        let reply = request.lab("input=100000; output=5000").send(hub.address).await;
        hub.record(reply.id()).await;
    }
    let (drained, directory) = hub.shut_down().await;
    assert_eq!(drained.left_in_journal, 0);

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let app = App::start(Parts { config, listener }).await.unwrap();
    let management = app.management();
    let usage = management.usage_summary(&ME, &UsageQuery::default()).await.unwrap();
    let cost = serde_json::to_value(&usage).unwrap()["items"][0]["cost_usd"].clone();
    assert!(cost.as_str().unwrap().parse::<f64>().unwrap() > 0.1, "{cost}");
    let used = |limits: Value| -> Vec<(String, Value)> {
        let windows = limits["windows"].as_array().unwrap();
        windows.iter().map(|row| (row["limit_type"].to_string(), row["used"].clone())).collect()
    };
    let of_user = serde_json::to_value(management.user_limits(&ME, ada).await.unwrap()).unwrap();
    let expected =
        ["\"usd_5h\"", "\"usd_weekly\"", "\"usd_total\""].map(|kind| (kind.to_owned(), cost.clone()));
    assert_eq!(used(of_user), expected);
    let of_key = serde_json::to_value(management.key_limits(&ME, key.id).await.unwrap()).unwrap();
    assert_eq!(used(of_key), [("\"tokens_total\"".to_owned(), json!(210_000))]);
    app.shut_down().await;
    drop(directory);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_are_counted_by_limit_user_key_and_hour() {
    let (setup, lab) = (Setup::new().await, lab().await);
    setup.providers(&lab.url()).await;
    let ada = setup.user(json!({"name": "ada", "rpm_limit": 1})).await;
    let key = setup.key(ada, json!({"name": "laptop"})).await;
    let hub = setup.start().await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let path = speech::path(Dialect::Claude, false);
        let reply =
            Request::post(path, speech::body(Dialect::Claude, false)).key(&key.text).send(hub.address).await;
        statuses.push(reply.status);
    }
    assert_eq!(statuses, [200, 429, 429]);
    let (_, directory) = hub.shut_down().await;
    let settings = SqliteSettings::new(directory.path().join("hub.db"), Sealer::new([0x11; 32]));
    let repository = SqliteRepository::open(settings).await.unwrap();
    let now = hub_types::Clock::now(&hub_types::SystemClock);
    let day = jiff::SignedDuration::from_hours(24);
    let (from, to) = (now - day, now + day);
    let filter =
        LimitEventFilter { from, to, kind: None, user_id: None, key_id: None, limit: 10, beyond: None };
    let events = repository.limit_events(&filter).await.unwrap();
    let counted: Vec<_> =
        events.iter().map(|event| (event.kind.as_str(), event.user_id, event.key_id, event.count)).collect();
    assert_eq!(counted, [("rpm", ada, key.id, 2)]);
    repository.close().await;
}
