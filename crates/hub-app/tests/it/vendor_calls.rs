//! What vendors serve besides conversations passes as it is, to a provider of the same dialect.

use hub_types::Dialect;
use serde_json::json;

use crate::harness::client::Request;
use crate::harness::sha256;
use crate::harness::upstream::Upstream;
use crate::harness::world::{Setup, World, lab};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_reaches_a_provider_of_its_dialect_with_the_same_bytes() {
    let world = World::start().await;
    let json = r#"{"model": "text-embedding-3-small", "input": ["a", "b"], "n" : 1.50}"#;
    let form = "--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b--\r\n";
    for (method, path, kind, body, provider) in [
        ("POST", "/v1/embeddings", "application/json", json, "openai"),
        ("POST", "/v1/completions", "application/json", json, "openai"),
        ("POST", "/v1/moderations", "application/json", json, "openai"),
        ("POST", "/v1/images/generations", "application/json", json, "openai"),
        ("POST", "/v1/audio/transcriptions", "multipart/form-data; boundary=b", form, "openai"),
        ("POST", "/v1/files", "multipart/form-data; boundary=b", form, "openai"),
        ("GET", "/v1/files/f-1/content", "", "", "openai"),
        ("DELETE", "/v1/files/f-1", "", "", "openai"),
        ("POST", "/v1/responses/compact", "application/json", json, "responses"),
        ("GET", "/v1/responses/resp_1/input_items", "", "", "responses"),
        ("POST", "/v1beta/models/gemini-e:embedContent", "application/json", json, "gemini"),
    ] {
        let id = format!("{method} {path}").replace([' ', '/'], "-");
        let mut request = Request::new(method, format!("{path}?a=b")).key(&world.key.text).lab_id(&id);
        if !kind.is_empty() {
            request = request.header("content-type", kind).body(body);
        }
        let reply = request.send(world.address()).await;
        assert_eq!(reply.status, 200, "{method} {path}: {}", reply.text());
        let record = world.hub.record(reply.id()).await;
        assert_eq!(record.request.provider_name.as_deref(), Some(provider), "{method} {path}");
        assert_eq!((record.request.endpoint.as_str(), record.request.status), ("other", 200));
        let entry = world.witnessed(&id).await;
        assert_eq!((entry.method.as_str(), entry.path), (method, format!("{path}?a=b")));
        assert_eq!(entry.request_sha256, Some(sha256(body.as_bytes())), "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gemini_takes_the_model_from_the_body_on_its_short_path() {
    let world = World::start().await;
    let body = r#"{"model":"models/gemini-2.5-pro","contents":[{"role":"user","parts":[{"text":"Hi"}]}]}"#;
    let reply = Request::post("/v1/generateContent", body)
        .key(&world.key.text)
        .lab_id("short")
        .send(world.address())
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let entry = world.witnessed("short").await;
    assert_eq!(entry.path, "/v1beta/models/gemini-2.5-pro:generateContent");
    assert_eq!(entry.request_bytes, body.len() as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn embeddings_are_billed_by_what_the_vendor_reports_and_a_form_names_its_model() {
    let setup = Setup::new().await;
    let answer =
        br#"{"object":"list","data":[],"model":"m","usage":{"prompt_tokens":1000,"total_tokens":1000}}"#;
    let vendor = Upstream::answering("application/json", answer).await;
    let redirects = json!({"model_redirects": [{"match": "exact", "source": "ours", "target": "gpt-5"}]});
    setup.provider_for(Dialect::OpenAi, "vendor", &vendor.url(), redirects).await;
    let (key, hub) = (setup.member().await, setup.start().await);
    let body = r#"{"model":"gpt-5","input":"x"}"#;
    let reply = Request::post("/v1/embeddings", body).key(&key.text).send(hub.address).await;
    let record = hub.record(reply.id()).await;
    assert_eq!(record.request.input_tokens, 1000);
    assert_eq!(record.request.output_tokens, 0);
    assert!(record.request.cost_usd.is_some(), "gpt-5 has a price");
    let form = "--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nours\r\n--b--\r\n";
    let reply = Request::new("POST", "/v1/audio/transcriptions")
        .key(&key.text)
        .header("content-type", "multipart/form-data; boundary=b")
        .body(form)
        .send(hub.address)
        .await;
    assert_eq!(hub.record(reply.id()).await.request.model.as_deref(), Some("ours"));
    assert_eq!(vendor.bodies()[1], form.replace("ours", "gpt-5").into_bytes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_answer_is_looked_for_where_it_was_made() {
    let (setup, lab) = (Setup::new().await, lab().await);
    for name in ["a", "b", "c"] {
        setup.provider_for(Dialect::Responses, name, &lab.url(), json!({})).await;
    }
    let (key, hub) = (setup.member().await, setup.start().await);
    let mut makers = std::collections::BTreeSet::new();
    for turn in 0..8 {
        let body = format!(r#"{{"model":"gpt-5-codex","input":"conversation {turn}"}}"#);
        let made = Request::post("/v1/responses", body).key(&key.text).send(hub.address).await;
        let maker = hub.record(made.id()).await.request.provider_name.unwrap();
        let path = format!("/v1/responses/{}", made.json()["id"].as_str().unwrap());
        let found = Request::get(path).key(&key.text).send(hub.address).await;
        assert_eq!(hub.record(found.id()).await.request.provider_name.as_deref(), Some(maker.as_str()));
        makers.insert(maker);
    }
    assert!(makers.len() > 1, "one provider made them all: nothing was shown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_a_key_stay_with_one_provider() {
    let (setup, lab) = (Setup::new().await, lab().await);
    for name in ["a", "b", "c", "d"] {
        setup.provider_for(Dialect::OpenAi, name, &lab.url(), json!({})).await;
    }
    let (key, hub) = (setup.member().await, setup.start().await);
    let mut keepers = std::collections::BTreeSet::new();
    for file in 0..12 {
        let reply = Request::get(format!("/v1/files/f-{file}")).key(&key.text).send(hub.address).await;
        keepers.insert(hub.record(reply.id()).await.request.provider_name.unwrap());
    }
    assert_eq!(keepers.len(), 1, "{keepers:?}");
}
