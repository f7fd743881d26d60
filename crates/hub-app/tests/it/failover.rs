//! When a provider fails: who is asked next, what the client sees of it, and what is written down.

use hub_lab::{Behaviour, Lab, Scenario};
use hub_management::ListQuery;
use hub_types::{AttemptReason, Dialect, ErrorClass, Outcome};
use serde_json::{Value, json};

use crate::harness::client::{Reply, Request};
use crate::harness::sha256;
use crate::harness::speech;
use crate::harness::upstream::Upstream;
use crate::harness::world::{Hub, Key, ME, Setup, lab, object, witnessed};

/// A hub with a first and a second provider for each dialect.
pub(crate) struct Pair {
    pub(crate) hub: Hub,
    key: Key,
    pub(crate) first: Lab,
    pub(crate) second: Lab,
}

impl Pair {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With some variables set.
    pub(crate) async fn with(variables: &[(&'static str, &str)]) -> Self {
        let (mut setup, first, second) = (Setup::new().await, lab().await, lab().await);
        for (name, value) in variables {
            setup.set(name, *value);
        }
        for dialect in Dialect::ALL {
            for (name, url, priority) in [("first", first.url(), 0), ("second", second.url(), 1)] {
                let more = json!({"priority": priority, "credential": format!("sk-{name}-credential")});
                setup.provider_for(dialect, &format!("{name}-{dialect}"), &url, more).await;
            }
        }
        let key = setup.member().await;
        Self { hub: setup.start().await, key, first, second }
    }

    pub(crate) fn key(&self) -> &str {
        &self.key.text
    }

    /// Edits all first providers as an admin does.
    pub(crate) async fn edit_first(&self, patch: Value) {
        let management = self.hub.management();
        for provider in management.list_providers(&ME, &ListQuery::default()).await.unwrap().items {
            if provider.fields.name.starts_with("first") {
                management.update_provider(&ME, provider.id, &object(patch.clone())).await.unwrap();
            }
        }
        self.hub.app.catch_up().await;
    }

    /// Nothing is held against anybody for what was before.
    pub(crate) async fn ask(&self, dialect: Dialect, stream: bool, id: &str) -> Reply {
        for name in ["first", "second"] {
            self.hub.forgive(&format!("{name}-{dialect}")).await;
        }
        Request::post(speech::path(dialect, stream), speech::body(dialect, stream))
            .key(&self.key.text)
            // Each asks for itself: a session would stay with whom it is bound to.
            .header("x-session-id", id)
            .lab_id(id)
            .send(self.hub.address)
            .await
    }
}

fn failing(status: u16) -> Behaviour {
    Behaviour {
        status: Some(status),
        error_message: Some(format!("trouble number {status}")),
        headers: Some([("x-first".to_owned(), "was here".to_owned())].into()),
        ..Behaviour::default()
    }
}

pub(crate) fn plays(lab: &Lab, behaviour: Behaviour) {
    lab.set_scenario(Scenario::always(behaviour));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_provider_leaves_no_trace_when_the_next_one_answers() {
    let pair = Pair::start().await;
    for (status, class) in [
        (500, ErrorClass::ProviderError),
        (503, ErrorClass::ProviderError),
        (429, ErrorClass::Throttled),
        (529, ErrorClass::Overloaded),
        (401, ErrorClass::Credential),
        (403, ErrorClass::Credential),
        (404, ErrorClass::NotServed),
    ] {
        plays(&pair.first, failing(status));
        for dialect in Dialect::ALL {
            for stream in [false, true] {
                let id = format!("{status} {dialect} {stream}");
                let reply = pair.ask(dialect, stream, &id).await;
                assert_eq!(reply.status, 200, "{id}: {}", reply.text());
                assert_eq!(witnessed(&pair.first, &id).await.status, status, "{id}");
                let seen = witnessed(&pair.second, &id).await;
                assert_eq!(seen.response_sha256, Some(sha256(&reply.body)), "{id}");
                assert!(!seen.headers_contain("sk-first"), "{id}: another provider's credential");
                let raw = String::from_utf8_lossy(&reply.raw);
                assert!(!raw.contains("x-first") && !raw.contains("trouble"), "{id}: {raw}");
                assert_eq!(reply.header("retry-after"), None, "{id}");
            }
            let id = format!("{status} {dialect} last");
            let reply = pair.ask(dialect, false, &id).await;
            let record = pair.hub.record(reply.id()).await;
            assert_eq!((record.outcome, record.request.status), (Outcome::Completed, 200), "{id}");
            assert_eq!(record.request.provider_name.as_deref(), Some(format!("second-{dialect}").as_str()));
            let [one, two] = record.attempts.as_slice() else { panic!("{id}: {:?}", record.attempts) };
            assert_eq!(
                (one.status, one.class, one.reason),
                (Some(status), Some(class), AttemptReason::InitialSelection)
            );
            assert_eq!((one.input_tokens, one.cost_usd), (None, None), "{id}: a failure costs nothing");
            assert_eq!((two.status, two.class, two.reason), (Some(200), None, AttemptReason::Failover));
            assert!(two.input_tokens.is_some() && two.cost_usd.is_some(), "{id}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_not_there_or_hangs_up_is_passed_over() {
    let pair = Pair::start().await;
    pair.edit_first(json!({"max_retry_attempts": 0})).await;
    let hang_up = Behaviour { no_head: Some(true), ..Behaviour::default() };
    plays(&pair.first, hang_up);
    assert_eq!(pair.ask(Dialect::Claude, true, "hang up").await.status, 200);
    pair.first.die().await;
    let reply = pair.ask(Dialect::Claude, true, "dead").await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let record = pair.hub.record(reply.id()).await;
    assert_eq!(record.attempts[0].class, Some(ErrorClass::Network));
    pair.second.die().await;
    let reply = pair.ask(Dialect::Claude, false, "both dead").await;
    assert_eq!(reply.status, 502, "{}", reply.text());
    assert_eq!(reply.json()["error"]["type"], "api_error");
    let record = pair.hub.record(reply.id()).await;
    assert_eq!(record.request.error_code.as_deref(), Some("upstream_unreachable"));
    // The second one was tried twice.
    assert_eq!((record.outcome, record.attempts.len()), (Outcome::Failed, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_faulty_request_goes_back_at_once_in_the_providers_own_words() {
    let pair = Pair::start().await;
    for status in [400, 413, 422] {
        plays(&pair.first, failing(status));
        for dialect in Dialect::ALL {
            for stream in [false, true] {
                let id = format!("{status} {dialect} {stream}");
                let reply = pair.ask(dialect, stream, &id).await;
                assert_eq!(reply.status, status, "{id}");
                assert!(reply.text().contains(&format!("trouble number {status}")), "{id}: {}", reply.text());
                let seen = witnessed(&pair.first, &id).await;
                assert_eq!(seen.response_sha256, Some(sha256(&reply.body)), "{id}");
                let record = pair.hub.record(reply.id()).await;
                assert_eq!((record.outcome, record.attempts.len()), (Outcome::Failed, 1), "{id}");
                assert_eq!(record.request.status, status, "{id}");
            }
        }
    }
    assert_eq!(pair.second.witness().totals().received, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_all_fail_the_last_ones_own_error_passes() {
    let pair = Pair::start().await;
    plays(&pair.first, failing(500));
    for dialect in Dialect::ALL {
        let foreign = if dialect == Dialect::Claude { 529 } else { 503 };
        for (status, shown) in [(500, 500), (503, 503), (504, 504), (529, foreign), (404, 404), (429, 429)] {
            let mut behaviour = failing(status);
            behaviour.retry_after = Some(17);
            behaviour.headers = Some([("x-should-retry".to_owned(), "true".to_owned())].into());
            plays(&pair.second, behaviour);
            let id = format!("{status} {dialect}");
            let reply = pair.ask(dialect, false, &id).await;
            assert_eq!(reply.status, shown, "{id}: {}", reply.text());
            assert!(reply.text().contains(&format!("trouble number {status}")), "{id}: {}", reply.text());
            assert_eq!(
                (reply.header("retry-after"), reply.header("x-should-retry")),
                (Some("17"), Some("true"))
            );
            let record = pair.hub.record(reply.id()).await;
            assert_eq!((record.request.status, record.attempts.len()), (shown, 2), "{id}");
        }
        for status in [401, 402, 403] {
            plays(&pair.second, failing(status));
            let id = format!("{status} {dialect}");
            let reply = pair.ask(dialect, true, &id).await;
            assert_eq!(reply.status, 502, "{id}: {}", reply.text());
            assert!(!reply.text().contains("trouble"), "{id}: {}", reply.text());
            assert!(reply.text().contains("refused the hub's account"), "{id}: {}", reply.text());
            assert_eq!(reply.header("x-first"), None, "{id}");
            let record = pair.hub.record(reply.id()).await;
            assert_eq!(record.request.error_code.as_deref(), Some("upstream_credential"), "{id}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_provider_is_given_up_for_the_next() {
    let (setup, first, second) = (Setup::new().await, lab().await, lab().await);
    plays(&first, Behaviour { latency_ms: Some(30_000), ..Behaviour::default() });
    let slow = json!({"timeout_first_byte": 1000, "timeout_request": 1000});
    setup.provider_for(Dialect::Claude, "slow", &first.url(), slow).await;
    setup.provider_for(Dialect::Claude, "quick", &second.url(), json!({"priority": 5})).await;
    let (key, hub) = (setup.member().await, setup.start().await);
    for stream in [true, false] {
        let body = speech::body(Dialect::Claude, stream);
        let request = Request::post("/v1/messages", body).header("x-session-id", format!("slow-{stream}"));
        let reply = request.key(&key.text).send(hub.address).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let record = hub.record(reply.id()).await;
        assert_eq!(record.attempts[0].class, Some(ErrorClass::Timeout));
        assert_eq!(record.request.provider_name.as_deref(), Some("quick"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_errors_body_and_headers_lose_our_credential_and_the_upstreams_address() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let body = format!(
        r#"{{"type":"error","error":{{"type":"invalid_request_error","message":"key sk-vendor-credential is bad, see http://{address}/v1/messages?x=1"}}}}"#
    );
    let headers = format!(
        "x-debug: key=sk-vendor-credential\r\nlocation: http://{address}/elsewhere\r\nset-cookie: a=b\r\nx-ratelimit-left: 3\r\n"
    );
    let upstream = Upstream::at(listener, "400 Bad Request", "application/json", &headers, body.as_bytes());
    let setup = Setup::new().await;
    setup.provider_for(Dialect::Claude, "chatty", &upstream.url(), json!({})).await;
    let (key, hub) = (setup.member().await, setup.start().await);
    let request = Request::post("/v1/messages", speech::body(Dialect::Claude, false));
    let reply = request.key(&key.text).send(hub.address).await;
    assert_eq!(reply.status, 400);
    let raw = String::from_utf8_lossy(&reply.raw);
    assert!(raw.contains("is bad, see"), "the rest of the message stays: {raw}");
    assert!(!raw.contains("sk-vendor-credential"), "{raw}");
    assert!(!raw.contains(&address.to_string()), "{raw}");
    assert_eq!((reply.header("set-cookie"), reply.header("x-ratelimit-left")), (None, Some("3")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_inside_a_stream_loses_them_too() {
    let (setup, lab) = (Setup::new().await, lab().await);
    setup.providers(&lab.url()).await;
    let message = format!("key sk-vendor-credential is bad, see {}/v1/messages", lab.url());
    plays(
        &lab,
        Behaviour {
            error_in_200: Some(true),
            error_after: Some(2),
            error_message: Some(message),
            ..Behaviour::default()
        },
    );
    let (key, hub) = (setup.member().await, setup.start().await);
    for dialect in Dialect::ALL {
        let body = speech::body(dialect, true);
        let reply = Request::post(speech::path(dialect, true), body).key(&key.text).send(hub.address).await;
        assert_eq!(reply.status, 200, "{dialect}");
        let text = reply.text();
        assert!(text.contains("key [redacted] is bad, see http://[redacted]/v1"), "{dialect}: {text}");
        assert!(text.contains("A simulated provider ans"), "{dialect}: what came before stays: {text}");
        assert!(!text.contains("sk-vendor") && !text.contains(&lab.addr().to_string()), "{dialect}: {text}");
        let words = if dialect == Dialect::Responses { "response.failed" } else { "\"error\":{" };
        let errors = text.lines().filter(|line| line.starts_with("data:") && line.contains(words)).count();
        assert_eq!(errors, 1, "{dialect}: the hub has nothing to add: {text}");
        let record = hub.record(reply.id()).await;
        let error = record.attempts[0].error.clone().unwrap_or_default();
        assert!(error.starts_with("the upstream reported "), "{dialect}: {error}");
    }
}
