//! Which models there are: asked for in three dialects, answered from what the key's providers serve.

use serde_json::{Value, json};

use crate::harness::client::{Reply, Request};
use crate::harness::upstream::Upstream;
use crate::harness::world::{Hub, Key, Setup, lab};
use hub_types::Dialect;

const VENDOR_LIST: &[u8] =
    br#"{"object":"list","data":[{"id":"claude-sonnet-4-5"},{"id":"claude-opus-5-5"}]}"#;

async fn get(hub: &Hub, key: &Key, path: &str, header: (&str, &str)) -> Reply {
    Request::get(path).key(&key.text).header(header.0, header.1).send(hub.address).await
}

fn names(list: &Value, member: &str, field: &str) -> String {
    let models = list[member].as_array().unwrap_or_else(|| panic!("{list}")).iter();
    models.map(|model| model[field].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

/// A vendor that lists its models, one with rules, one of another group.
async fn hub() -> (Hub, Key, Key, Upstream) {
    let (setup, lab) = (Setup::new().await, lab().await);
    let vendor = Upstream::answering("application/json", VENDOR_LIST).await;
    setup.provider_for(Dialect::Claude, "vendor", &vendor.url(), json!({"conversion": "auto"})).await;
    let rules = json!({
        "conversion": "auto",
        "allowed_models": [{"match": "exact", "pattern": "gpt-5"}],
        "model_redirects": [{"match": "exact", "source": "nick", "target": "gpt-5"}],
    });
    setup.provider_for(Dialect::OpenAi, "ruled", &lab.url(), rules).await;
    let secret = json!({"allowed_models": [{"match": "exact", "pattern": "secret"}], "group_tag": "b"});
    setup.provider_for(Dialect::OpenAi, "hidden", &lab.url(), secret).await;
    let key = setup.member().await;
    let bob = setup.user(json!({"name": "bob", "allowed_models": ["GPT-5"]})).await;
    let narrow = setup.key(bob, json!({"name": "k"})).await;
    (setup.start().await, key, narrow, vendor)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_is_what_the_providers_of_the_key_serve_in_the_shape_of_the_client() {
    let (hub, key, narrow, vendor) = hub().await;
    let all = "claude-opus-5-5 claude-sonnet-4-5 gpt-5 nick";
    let claude = get(&hub, &key, "/v1/models?limit=1000", ("anthropic-version", "2023-06-01")).await.json();
    assert_eq!(names(&claude, "data", "id"), all);
    assert_eq!((&claude["has_more"], &claude["data"][0]["type"]), (&json!(false), &json!("model")));
    let openai = get(&hub, &key, "/v1/models", ("accept", "*/*")).await.json();
    assert_eq!((names(&openai, "data", "id").as_str(), &openai["object"]), (all, &json!("list")));
    for (path, header) in [("/v1/models", "x-goog-api-client"), ("/v1beta/models", "accept")] {
        let gemini = get(&hub, &key, path, (header, "x")).await.json();
        assert_eq!(
            names(&gemini, "models", "name"),
            all.split(' ').map(|name| format!("models/{name}")).collect::<Vec<_>>().join(" ")
        );
    }
    assert_eq!(vendor.bodies().len(), 1, "a list is asked for once");
    let narrow = get(&hub, &narrow, "/v1/models", ("accept", "*/*")).await.json();
    assert_eq!(names(&narrow, "data", "id"), "gpt-5");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_model_is_found_by_its_name_and_an_unknown_one_is_not() {
    let (hub, key, ..) = hub().await;
    let one = get(&hub, &key, "/v1/models/nick", ("anthropic-version", "2023-06-01")).await;
    assert_eq!((one.status, one.json()["id"].as_str()), (200, Some("nick")));
    let one = get(&hub, &key, "/v1beta/models/gpt-5", ("accept", "*/*")).await;
    assert_eq!(one.json()["name"], "models/gpt-5");
    for (header, kind) in [("anthropic-version", "type"), ("accept", "code")] {
        let none = get(&hub, &key, "/v1/models/secret", (header, "x")).await;
        assert_eq!(none.status, 404);
        assert!(none.json()["error"][kind].is_string(), "{}", none.text());
        assert!(none.text().contains("there is no model `secret`"), "{}", none.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_need_a_key_and_leave_no_record() {
    let (hub, key, ..) = hub().await;
    let refused = Request::get("/v1/models").send(hub.address).await;
    assert_eq!(refused.status, 401);
    let listed = get(&hub, &key, "/v1/models", ("accept", "*/*")).await;
    let id = listed.id().to_owned();
    let asked = Request::post("/v1/messages", "{").key(&key.text).send(hub.address).await;
    // What comes later is on record, so that would be, too.
    hub.record(asked.id()).await;
    assert!(hub.management().show_request(&crate::harness::world::ME, id.parse().unwrap()).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vendor_that_lists_nothing_is_taken_to_serve_what_has_a_price() {
    let (setup, lab) = (Setup::new().await, lab().await);
    let only = json!({
        "conversion": "auto",
        "allowed_models": [{"match": "prefix", "pattern": "claude-opus"}],
    });
    setup.provider_for(Dialect::Claude, "silent", &lab.url(), only).await;
    let (key, hub) = (setup.member().await, setup.start().await);
    let listed = names(&get(&hub, &key, "/v1/models", ("accept", "*/*")).await.json(), "data", "id");
    assert!(!listed.is_empty() && listed.split(' ').all(|name| name.starts_with("claude-opus")), "{listed}");
}
