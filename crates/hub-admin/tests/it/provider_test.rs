//! `providers test` and `providers breaker-reset`.

use std::sync::Arc;

use async_trait::async_trait;
use hub_circuit_breaker::{BreakerConfig, BreakerStore, Event, FallbackBreakerStore, RedisBreakers};
use hub_management::ProviderTests;
use hub_management::view::{ProviderModelsView, ProviderTestView};
use hub_redis::{RedisConnection, RedisSettings, RedisUrl};
use hub_testkit::Redis;
use hub_types::{Clock, ErrorClass, Provider, ProviderId, SystemClock};
use serde_json::json;

use crate::fixture::Admin;
use crate::server::{TOKEN, serve_with};

/// A network in which only providers named `well` answer.
struct Network;

#[async_trait]
impl ProviderTests for Network {
    async fn test(&self, provider: Arc<Provider>, model: Option<&str>) -> Result<ProviderTestView, String> {
        let ok = provider.name == "well";
        Ok(ProviderTestView {
            ok,
            status: ok.then_some(200),
            class: (!ok).then_some(ErrorClass::Network),
            latency_ms: 31,
            first_byte_ms: ok.then_some(12),
            model: model.unwrap_or("usual").to_owned(),
            upstream_model: None,
            message: "told by the network".to_owned(),
        })
    }

    async fn models(&self, _: Arc<Provider>) -> Result<ProviderModelsView, String> {
        Err("nobody asks for models here".to_owned())
    }
}

fn add(admin: &Admin, server: &[&str], name: &str) {
    let args =
        ["providers", "add", name, "--url", "http://127.0.0.1:1", "--type", "claude", "credential=sk-1"];
    admin.run(&[server, &args].concat()).ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_says_how_it_went_and_fails_with_the_provider() {
    let admin = Admin::new().with("ADMIN_TOKEN", TOKEN);
    let (address, _tasks) =
        serve_with(&admin, |management| management.with_provider_tests(Arc::new(Network))).await;
    let server = ["--server", address.as_str()];
    let run = |args: &[&str]| admin.run(&[&server, args].concat());
    for name in ["well", "ill"] {
        add(&admin, &server, name);
    }
    let said = run(&["providers", "test", "well", "--model", "m-1"]).ok();
    for part in ["ok", "200", "31 ms", "12 ms", "m-1", "told by the network"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let tested = run(&["--json", "providers", "test", "2"]);
    assert_eq!(tested.code, 1, "{tested:?}");
    let view: serde_json::Value = serde_json::from_str(&tested.stdout).unwrap();
    assert_eq!((&view["class"], &view["model"]), (&json!("network"), &json!("usual")));
    assert!(tested.stderr.contains("2 failed the test"), "{}", tested.stderr);
    let chinese = Admin::new().with("ADMIN_TOKEN", TOKEN).with("LANG", "zh_CN.UTF-8");
    let said = chinese.run(&[&server[..], &["providers", "test", "ill"]].concat());
    assert!(said.stdout.contains("失败类别") && said.stderr.contains("未通过测试"), "{said:?}");
    // Somebody has to be there who can ask.
    assert!(admin.run(&["providers", "test", "well"]).refused(2).contains("--server"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_breaker_in_redis_is_reset_without_a_hub() {
    let redis = Redis::start().await.unwrap();
    let url = RedisUrl::parse(&redis.url()).unwrap();
    let connection = RedisConnection::connect(&url, RedisSettings::default(), None).await.unwrap();
    let breakers = FallbackBreakerStore::new(RedisBreakers::new(Arc::new(connection)));
    let config = BreakerConfig { failure_threshold: 1, ..BreakerConfig::default() };
    let (id, now) = (ProviderId(1), SystemClock.now());
    breakers.record(id, Event::Failure { trial: None }, config, now).await;

    let admin = Admin::new();
    add(&admin, &[], "main");
    assert!(admin.run(&["providers", "breaker-reset", "main"]).refused(2).contains("REDIS_URL"));
    let admin = admin.with("REDIS_URL", &redis.url());
    let view = admin.run(&["--json", "providers", "breaker-reset", "main"]).json();
    assert_eq!((&view["provider_id"], &view["breaker"]), (&json!(1), &json!("closed")));
    let seen = breakers.list(&[(id, config)], SystemClock.now()).await;
    assert!(seen[0].health.admits(), "{seen:?}");
    let said = admin.run(&["providers", "breaker-reset", "1"]);
    assert_eq!((said.code, said.stderr.contains("closed")), (0, true), "{said:?}");
    redis.stop().await.unwrap();
    let said = admin.run(&["providers", "breaker-reset", "main"]).refused(1);
    assert!(said.contains("Redis"), "{said}");
}
