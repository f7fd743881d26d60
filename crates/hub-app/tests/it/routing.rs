//! Who is asked: groups, model rules, redirects, priorities, switched-off providers.

use hub_types::Dialect;
use serde_json::{Value, json};

use crate::harness::client::{Reply, Request};
use crate::harness::sha256;
use crate::harness::speech;
use crate::harness::world::{Hub, Key, ME, Setup, lab, object, witnessed};

async fn ask(hub: &Hub, key: &Key, dialect: Dialect, model: &str) -> Reply {
    let body = speech::body_with(dialect, model, false, "Hello");
    let path = speech::path_for(dialect, model, false);
    Request::post(path, body).key(&key.text).send(hub.address).await
}

/// The name of the provider that served.
async fn server(hub: &Hub, reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", reply.text());
    hub.record(reply.id()).await.request.provider_name.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_of_key_and_user_decide_who_serves() {
    let (setup, lab) = (Setup::new().await, lab().await);
    for (name, tag) in [("plain", ""), ("a", "team-a"), ("b", "team-b,team-c")] {
        setup.provider_for(Dialect::Claude, name, &lab.url(), json!({"group_tag": tag})).await;
    }
    let ada = setup.user(json!({"name": "ada", "provider_group": "team-a"})).await;
    let bob = setup.user(json!({"name": "bob"})).await;
    let of_user = setup.key(ada, json!({"name": "1"})).await;
    let of_key = setup.key(ada, json!({"name": "2", "provider_group": "team-c"})).await;
    let none = setup.key(bob, json!({"name": "3"})).await;
    let stray = setup.key(bob, json!({"name": "4", "provider_group": "team-x"})).await;
    let hub = setup.start().await;
    for (key, expected) in [(&of_user, "a"), (&of_key, "b"), (&none, "plain")] {
        let reply = ask(&hub, key, Dialect::Claude, "claude-sonnet-4-5").await;
        assert_eq!(server(&hub, &reply).await, expected);
    }
    let reply = ask(&hub, &stray, Dialect::Claude, "claude-sonnet-4-5").await;
    assert_eq!(reply.status, 503);
    assert!(reply.text().contains("the group stage left none"), "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn priority_model_rules_and_switches_decide_who_serves() {
    let (setup, lab) = (Setup::new().await, lab().await);
    for (name, more) in [
        ("off", json!({"priority": 0, "is_enabled": false})),
        ("opus only", json!({"priority": 1, "allowed_models": [{"match": "contains", "pattern": "opus"}]})),
        ("main", json!({"priority": 2, "allowed_models": [{"match": "prefix", "pattern": "claude-"}]})),
        ("reserve", json!({"priority": 3, "allowed_models": [{"match": "prefix", "pattern": "claude-"}]})),
    ] {
        setup.provider_for(Dialect::Claude, name, &lab.url(), more).await;
    }
    let (key, hub) = (setup.member().await, setup.start().await);
    for (model, expected) in [("claude-opus-4-5", "opus only"), ("claude-sonnet-4-5", "main")] {
        let reply = ask(&hub, &key, Dialect::Claude, model).await;
        assert_eq!(server(&hub, &reply).await, expected);
    }
    for (dialect, model, stage) in [
        (Dialect::Claude, "llama", "the model stage left none (group left 4, enabled left 3, client left 3)"),
        (Dialect::OpenAi, "claude-sonnet-4-5", "the dialect stage left none"),
    ] {
        let reply = ask(&hub, &key, dialect, model).await;
        assert_eq!(reply.status, 503);
        assert!(reply.text().contains(stage), "{}", reply.text());
        let record = hub.record(reply.id()).await;
        assert_eq!(record.request.error_code.as_deref(), Some("no_provider"));
        assert!(record.attempts.is_empty());
        assert!(record.stages.iter().any(|stage| stage.left == 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn weights_share_the_work() {
    let (setup, lab) = (Setup::new().await, lab().await);
    for (name, weight) in [("none", 0), ("some", 1), ("most", 9)] {
        setup.provider_for(Dialect::Claude, name, &lab.url(), json!({"weight": weight})).await;
    }
    let (key, hub) = (setup.member().await, setup.start().await);
    let mut served = std::collections::HashMap::<String, u32>::new();
    for session in 0..60 {
        let body = speech::body(Dialect::Claude, false);
        let request = Request::post(speech::path(Dialect::Claude, false), body).key(&key.text);
        let reply = request.header("x-session-id", format!("session-{session}")).send(hub.address).await;
        *served.entry(server(&hub, &reply).await).or_default() += 1;
    }
    assert_eq!(served.get("none"), None, "{served:?}");
    // 54 of 60 on average: fewer than 36 come once in many millions of runs.
    assert!(served["most"] >= 36, "{served:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_changes_the_model_and_no_other_byte() {
    let (setup, lab) = (Setup::new().await, lab().await);
    let redirects =
        json!({"model_redirects": [{"match": "prefix", "source": "nick", "target": "real-model-1.5"}]});
    for dialect in Dialect::ALL {
        setup.provider_for(dialect, dialect.as_str(), &lab.url(), redirects.clone()).await;
    }
    let (key, hub) = (setup.member().await, setup.start().await);
    for dialect in Dialect::ALL {
        let odd = r#" "n" : 123456789012345678901234567890 , "model_":"nickname", "é":"\u00e9""#;
        for stream in [false, true] {
            let with = |model: &str| {
                let body = speech::body_with(dialect, model, stream, "I am \\\"nickname\\\"");
                format!(" {},{odd}}}\n", body.strip_suffix('}').unwrap())
            };
            let id = format!("{dialect} {stream}");
            let path = speech::path_for(dialect, "nickname", stream);
            let reply =
                Request::post(&path, with("nickname")).key(&key.text).lab_id(&id).send(hub.address).await;
            assert_eq!(reply.status, 200, "{id}: {}", reply.text());
            let seen = witnessed(&lab, &id).await;
            assert_eq!(seen.model, "real-model-1.5", "{id}");
            assert_eq!(seen.request_sha256, Some(sha256(with("real-model-1.5").as_bytes())), "{id}");
            assert_eq!(seen.response_sha256, Some(sha256(&reply.body)), "{id}");
            if dialect == Dialect::Gemini {
                assert_eq!(seen.path, path.replace("nickname", "real-model-1.5"));
            }
            let request = hub.record(reply.id()).await.request;
            assert_eq!(request.model.as_deref(), Some("nickname"), "{id}");
            assert_eq!(request.sent_model.as_deref(), Some("real-model-1.5"), "{id}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn custom_headers_go_out_and_what_tells_on_the_client_stays() {
    let (setup, lab) = (Setup::new().await, lab().await);
    let more = json!({"custom_headers": {"x-team": "blue", "user-agent": "the-provider-wants-this/1"}});
    setup.provider_for(Dialect::Claude, "custom", &lab.url(), more).await;
    let (key, hub) = (setup.member().await, setup.start().await);
    let reply = Request::post("/v1/messages?beta=true", speech::body(Dialect::Claude, false))
        .key(&key.text)
        .lab_id("headers")
        .header("user-agent", "claude-cli/2.1.0 (external, cli)")
        .header("anthropic-version", "2023-06-01")
        .header("anthropic-beta", "one,two")
        .header("anthropic-beta", "three")
        .header("x-stainless-os", "Linux")
        .header("cookie", "a=b")
        .header("x-forwarded-for", "203.0.113.5")
        .header("forwarded", "for=203.0.113.5")
        .header("x-real-ip", "203.0.113.5")
        .header("cf-connecting-ip", "203.0.113.5")
        .send(hub.address)
        .await;
    assert_eq!(reply.status, 200);
    let seen = witnessed(&lab, "headers").await;
    assert_eq!(seen.path, "/v1/messages?beta=true");
    for (name, value) in [
        ("x-team", Some("blue")),
        ("user-agent", Some("the-provider-wants-this/1")),
        ("anthropic-version", Some("2023-06-01")),
        ("x-stainless-os", Some("Linux")),
        ("accept-encoding", Some("identity")),
        ("host", Some(lab.addr().to_string().as_str())),
        ("cookie", None),
        ("x-forwarded-for", None),
        ("forwarded", None),
        ("x-real-ip", None),
        ("cf-connecting-ip", None),
    ] {
        assert_eq!(seen.header(name), value, "{name}");
    }
    let betas: Vec<_> = seen.headers.get_all("anthropic-beta").iter().collect();
    assert_eq!(betas, ["one,two", "three"]);
    let record = hub.record(reply.id()).await;
    assert_eq!(record.client_name.as_deref(), Some("claude-cli"));
    assert_eq!(record.client_version.as_deref(), Some("2.1.0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_reach_the_running_hub() {
    let (setup, lab) = (Setup::new().await, lab().await);
    let provider = setup.provider_for(Dialect::Claude, "one", &lab.url(), json!({})).await;
    let (key, hub) = (setup.member().await, setup.start().await);
    let becomes = async |status: u16, what: &str| {
        for _ in 0..500 {
            if ask(&hub, &key, Dialect::Claude, "claude-sonnet-4-5").await.status == status {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("{what} never showed");
    };
    let edit = |value: Value| object(value);
    becomes(200, "the start").await;
    let management = hub.management();
    management.update_provider(&ME, provider, &edit(json!({"is_enabled": false}))).await.unwrap();
    becomes(503, "switching the provider off").await;
    management.update_provider(&ME, provider, &edit(json!({"is_enabled": true}))).await.unwrap();
    becomes(200, "switching the provider on").await;
    management.update_key(&ME, key.id, &edit(json!({"is_enabled": false}))).await.unwrap();
    becomes(403, "switching the key off").await;
    management.delete_key(&ME, key.id).await.unwrap();
    becomes(401, "deleting the key").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_fits_no_url_of_the_provider_is_recorded_as_it_was_answered() {
    let (setup, lab) = (Setup::new().await, lab().await);
    let url = format!("{}/{}", lab.url(), "p".repeat(900));
    setup.provider_for(Dialect::Claude, "long", &url, json!({})).await;
    let (key, hub) = (setup.member().await, setup.start().await);
    // Together with the provider's own path it is longer than a URL may be.
    let path = format!("/v1/messages?x={}", "a".repeat(64_900));
    let request = Request::post(path, speech::body(Dialect::Claude, false)).key(&key.text);
    let reply = request.send(hub.address).await;
    assert_eq!(reply.status, 400, "{}", reply.text());
    let record = hub.record(reply.id()).await;
    assert_eq!((record.request.status, record.outcome), (400, hub_types::Outcome::Refused));
    assert_eq!(record.request.error_code.as_deref(), Some("invalid_request"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_learn_names_and_reasons_only_where_the_operator_says_so() {
    for (verbose, told) in [
        ("false", "the model stage left none (group left 3, enabled left 2, client left 1)"),
        (
            "true",
            "the model stage left none (group left 3, enabled left 2, client left 1); off: disabled, \
             picky: client_restriction, other: model_not_allowed",
        ),
    ] {
        let (mut setup, lab) = (Setup::new().await, lab().await);
        setup.set("VERBOSE_PROVIDER_ERROR", verbose);
        for (name, more) in [
            ("off", json!({"is_enabled": false})),
            ("picky", json!({"allowed_clients": ["codex"]})),
            ("other", json!({"allowed_models": [{"match": "exact", "pattern": "another"}]})),
            ("not ours", json!({"group_tag": "elsewhere"})),
        ] {
            setup.provider_for(Dialect::Claude, name, &lab.url(), more).await;
        }
        let (key, hub) = (setup.member().await, setup.start().await);
        let reply = ask(&hub, &key, Dialect::Claude, "claude-sonnet-4-5").await;
        assert_eq!(reply.status, 503);
        let message = reply.json()["error"]["message"].as_str().unwrap().to_owned();
        assert_eq!(message, format!("no provider can serve this request: {told}"));
        let raw = String::from_utf8_lossy(&reply.raw);
        assert!(!raw.contains(&lab.addr().to_string()) && !raw.contains("sk-vendor"), "{raw}");
    }
}
