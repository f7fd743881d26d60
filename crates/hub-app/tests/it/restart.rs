//! What a hub that was restarted still knows.

use hub_app::{App, Parts};
use hub_management::UsageQuery;
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
