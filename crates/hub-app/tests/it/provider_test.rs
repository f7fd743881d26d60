//! Tests of providers by admins: what is asked, what is told, and that it leaves no trace.

use std::time::{Duration, Instant};

use hub_lab::Behaviour;
use hub_management::view::{ProviderTestFields, ProviderTestView};
use hub_management::{ManagementError, RequestQuery};
use hub_types::{Dialect, ErrorClass, ProviderId};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::failover::plays;
use crate::harness::client::Request;
use crate::harness::speech;
use crate::harness::upstream::Upstream;
use crate::harness::world::{ADMIN_TOKEN, Hub, ME, Setup, World, lab, object};
use crate::sessions::ring::Ring;

async fn test(hub: &Hub, id: ProviderId, model: Option<&str>) -> ProviderTestView {
    let fields = ProviderTestFields { model: model.map(str::to_owned) };
    let input = object(serde_json::to_value(fields).unwrap());
    hub.management().test_provider(&ME, id, &input).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_is_asked_in_its_own_dialect_with_its_credential() {
    let (setup, lab) = (Setup::new().await, lab().await);
    for dialect in Dialect::ALL {
        let more = json!({"custom_headers": {"x-lab-id": dialect.as_str(), "x-tenant": "blue"},
            "credential": format!("sk-{dialect}-credential")});
        setup.provider_for(dialect, dialect.as_str(), &lab.url(), more).await;
    }
    let hub = setup.start().await;
    for (dialect, id) in Dialect::ALL.into_iter().zip(1..) {
        let asked = speech::model(dialect);
        let tested = test(&hub, ProviderId(id), Some(asked)).await;
        assert!(tested.ok, "{dialect}: {tested:?}");
        assert_eq!((tested.status, tested.class, tested.model.as_str()), (Some(200), None, asked));
        assert_eq!(tested.upstream_model.as_deref(), Some(asked), "{dialect}");
        assert!(tested.first_byte_ms.unwrap() <= tested.latency_ms);
        let entry = lab.witness().get(dialect.as_str()).unwrap();
        assert_eq!((entry.dialect, entry.header("x-tenant")), (dialect, Some("blue")));
        assert!(entry.headers_contain(&format!("sk-{dialect}-credential")), "{dialect}");
        // Without a model in the request a usual one of the type is asked for.
        assert!(test(&hub, ProviderId(id), None).await.ok, "{dialect}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_model_is_the_one_asked_for_or_the_first_that_the_rules_name() {
    let rules =
        json!([{"match": "prefix", "pattern": "claude-"}, {"match": "exact", "pattern": "claude-own"}]);
    let redirects = json!([{"match": "exact", "source": "claude-own", "target": "claude-sent"}]);
    let ring = Ring::start(
        Dialect::Claude,
        &[
            json!({"allowed_models": rules}),
            json!({"allowed_models": rules, "model_redirects": redirects}),
            json!({"model_redirects": redirects}),
        ],
    )
    .await;
    for (place, asked, sent) in [
        (0, None, "claude-own"),
        (0, Some("claude-other"), "claude-other"),
        (1, None, "claude-sent"),
        (1, Some("claude-own"), "claude-sent"),
        (2, None, "claude-sent"),
    ] {
        let tested = test(&ring.hub, ring.members[place].0, asked).await;
        assert_eq!((tested.ok, tested.model.as_str()), (true, sent), "{place} {asked:?}");
        assert_eq!(ring.members[place].1.witness().entries().last().unwrap().model, sent);
    }
    let long = object(json!({"model": "m".repeat(300)}));
    let refused = ring.hub.management().test_provider(&ME, ring.members[0].0, &long).await;
    assert!(matches!(refused, Err(ManagementError::Invalid(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_are_told_by_class_and_without_the_credential() {
    let ring = Ring::start(Dialect::Claude, &[json!({"failure_threshold": 1})]).await;
    let (id, lab) = &ring.members[0];
    let echo = "the key sk-vendor-credential is not known here";
    for (behaviour, status, class) in [
        (
            Behaviour { status: Some(401), error_message: Some(echo.to_owned()), ..Behaviour::default() },
            Some(401),
            ErrorClass::Credential,
        ),
        (Behaviour { status: Some(404), ..Behaviour::default() }, Some(404), ErrorClass::NotServed),
        (Behaviour { status: Some(529), ..Behaviour::default() }, Some(529), ErrorClass::Overloaded),
        (Behaviour { status: Some(503), ..Behaviour::default() }, Some(503), ErrorClass::ProviderError),
        (Behaviour { error_in_200: Some(true), ..Behaviour::default() }, Some(200), ErrorClass::FakeSuccess),
        (Behaviour::from_header("truncate_after=1; cut=clean").unwrap(), Some(200), ErrorClass::Truncated),
        (Behaviour { no_head: Some(true), ..Behaviour::default() }, None, ErrorClass::Network),
    ] {
        plays(lab, behaviour);
        let tested = test(&ring.hub, *id, None).await;
        assert_eq!((tested.ok, tested.status, tested.class), (false, status, Some(class)), "{tested:?}");
        assert!(!tested.message.is_empty() && tested.message.chars().count() <= 500);
        assert!(!tested.message.contains("sk-vendor-credential"), "{}", tested.message);
    }
    // It leaves no trace: the provider is as it was, and nothing is on record.
    let health = ring.hub.management().provider_health(&ME, *id).await.unwrap();
    assert_eq!((health.breaker.as_str(), health.failures, health.paused_until), ("closed", 0, None));
    let query = RequestQuery::parse(Vec::new()).unwrap();
    assert!(ring.hub.management().list_requests(&ME, &query).await.unwrap().items.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_refuses_the_bound_is_asked_in_other_words() {
    let body =
        br#"{"error":{"message":"Unsupported parameter: 'max_tokens'","type":"invalid_request_error"}}"#;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let strict = Upstream::at(listener, "400 Bad Request", "application/json", "", body);
    let setup = Setup::new().await;
    let id = setup.provider_for(Dialect::OpenAi, "strict", &strict.url(), json!({})).await;
    let hub = setup.start().await;
    let tested = test(&hub, id, Some("gpt-5")).await;
    assert_eq!((tested.status, tested.class), (Some(400), Some(ErrorClass::RequestFault)));
    let bodies: Vec<Value> =
        strict.bodies().iter().map(|body| serde_json::from_slice(body).unwrap()).collect();
    assert_eq!(bodies.len(), 2, "{bodies:?}");
    assert_eq!((&bodies[0]["max_tokens"], &bodies[1]["max_tokens"]), (&json!(16), &Value::Null));
    assert_eq!(bodies[1]["max_completion_tokens"], json!(16));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_ends_in_time_however_slow_the_provider() {
    let mut setup = Setup::new().await;
    setup.set("API_TEST_TIMEOUT_MS", "5000");
    let lab = lab().await;
    let id = setup.provider_for(Dialect::Claude, "slow", &lab.url(), json!({})).await;
    let hub = setup.start().await;
    plays(&lab, Behaviour { latency_ms: Some(60_000), ..Behaviour::default() });
    let started = Instant::now();
    let tested = test(&hub, id, None).await;
    assert_eq!((tested.class, tested.status), (Some(ErrorClass::Timeout), None), "{tested:?}");
    assert!(started.elapsed() < Duration::from_secs(10), "the limit is 5 s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unsaved_providers_are_tested_as_they_would_be_saved() {
    let mut setup = Setup::new().await;
    setup.set("ALLOW_PRIVATE_UPSTREAMS", "false");
    let forbidding = setup.start().await;
    let world = World::start().await;
    let fields = |url: &str, more: Value| {
        let mut fields = object(json!({"name": "new", "url": url, "provider_type": "claude",
            "credential": "sk-new-credential", "model": "claude-x"}));
        fields.extend(object(more));
        fields
    };
    let management = world.hub.management();
    let tested = management.test_new_provider(&ME, &fields(&world.lab.url(), json!({}))).await.unwrap();
    assert_eq!((tested.ok, tested.model.as_str()), (true, "claude-x"), "{tested:?}");
    assert!(world.lab.witness().entries().last().unwrap().headers_contain("sk-new-credential"));
    // Through its proxy, and nowhere else: there is none at that port.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let proxied = json!({"proxy_url": format!("http://user:proxy-password@{free}")});
    let tested = management.test_new_provider(&ME, &fields(&world.lab.url(), proxied)).await.unwrap();
    assert_eq!(tested.class, Some(ErrorClass::Network), "{tested:?}");
    assert!(tested.message.contains("proxy") && !tested.message.contains("proxy-password"));
    // Mistakes are told as at saving, and addresses that are not allowed are not asked.
    for (hub, fields, field) in [
        (&world.hub, fields(&world.lab.url(), json!({"weight": 5000})), "weight"),
        (&world.hub, fields(&world.lab.url(), json!({"colour": 1})), "colour"),
        (&forbidding, fields(&world.lab.url(), json!({})), "url"),
    ] {
        let error = hub.management().test_new_provider(&ME, &fields).await.unwrap_err();
        assert_eq!(error.fields()[0].field, field, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_of_models_is_told_over_rest() {
    let plain = Upstream::answering("application/json", br#"{"data":[{"id":"b"},{"id":"a"}]}"#).await;
    let gemini = Upstream::answering("application/json", br#"{"models":[{"name":"models/g"}]}"#).await;
    let page = Upstream::answering("text/html", b"<html>welcome</html>").await;
    let setup = Setup::new().await;
    for (dialect, name, url) in [
        (Dialect::Claude, "plain", plain.url()),
        (Dialect::Gemini, "gemini", gemini.url()),
        (Dialect::OpenAi, "page", page.url()),
        (Dialect::GeminiCli, "cli", gemini.url()),
    ] {
        setup.provider_for(dialect, name, &url, json!({})).await;
    }
    let hub = setup.start().await;
    for (id, items, class) in [
        (1, json!(["a", "b"]), json!(null)),
        (2, json!(["g"]), json!(null)),
        (3, json!([]), json!("fake_success")),
        (4, json!([]), json!("not_served")),
    ] {
        let path = format!("/api/v1/providers/{id}/models");
        let reply = Request::get(path).key(ADMIN_TOKEN).send(hub.address).await;
        let view: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!((reply.status, &view["items"], &view["class"]), (200, &items, &class), "{view}");
        assert_eq!(view["ok"], json!(class.is_null()));
    }
    // A test takes no body, if it has nothing to say.
    let reply = Request::new("POST", "/api/v1/providers/3/test").key(ADMIN_TOKEN).send(hub.address).await;
    let view: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!((reply.status, &view["class"]), (200, &json!("fake_success")), "{view}");
}
