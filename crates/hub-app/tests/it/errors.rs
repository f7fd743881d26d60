//! Errors speak the caller's dialect: every status in each of them, written down.

use std::fmt::Write as _;

use hub_types::Dialect;
use serde_json::json;

use crate::harness::client::{Reply, Request};
use crate::harness::speech;
use crate::harness::world::{Setup, lab};

/// Makes a case's request.
type Make<'a> = Box<dyn Fn(Dialect) -> Request + 'a>;

/// An answer as the snapshots show it.
fn shown(dialect: Dialect, reply: &Reply) -> String {
    let retry = reply.header("retry-after").map(|after| format!(" retry-after={after}")).unwrap_or_default();
    let kind = reply.header("content-type").unwrap_or("no content type");
    let body = reply.text().replace(reply.id(), "[id]");
    format!("{dialect:<10} {}{retry} {kind}\n  {body}\n", reply.status)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hubs_own_errors_speak_the_callers_dialect() {
    let (mut setup, lab) = (Setup::new().await, lab().await);
    setup.set("MAX_REQUEST_BYTES", "5000");
    setup.providers(&lab.url()).await;
    let ada = setup.user(json!({"name": "ada", "allowed_models": ["only-this"]})).await;
    let bob = setup.user(json!({"name": "bob", "provider_group": "nobody-serves-it"})).await;
    let key = setup.key(ada, json!({"name": "laptop"})).await.text;
    let disabled = setup.key(ada, json!({"name": "old", "is_enabled": false})).await.text;
    let stray = setup.key(bob, json!({"name": "stray"})).await.text;
    let hub = setup.start().await;
    let mut all = String::new();
    let mut note = |case: &str, lines: String| write!(all, "--- {case}\n{lines}").unwrap();
    let ask = |dialect: Dialect| Request::post(speech::path(dialect, false), speech::body(dialect, false));
    let cases: Vec<(&str, Make<'_>)> = vec![
        ("no key", Box::new(ask)),
        ("disabled key", Box::new(|dialect| ask(dialect).key(&disabled))),
        ("no JSON", Box::new(|dialect| Request::post(speech::path(dialect, false), "{oops").key(&key))),
        (
            "too large",
            Box::new(|dialect| Request::post(speech::path(dialect, false), vec![b' '; 6000]).key(&key)),
        ),
        ("unknown coding", Box::new(|dialect| ask(dialect).key(&key).header("content-encoding", "lzma"))),
        ("model not allowed", Box::new(|dialect| ask(dialect).key(&key))),
        ("nobody serves it", Box::new(|dialect| ask(dialect).key(&stray))),
        ("wrong method", Box::new(|dialect| Request::new("PUT", speech::path(dialect, false)).key(&key))),
    ];
    for (case, make) in cases {
        let mut lines = String::new();
        for dialect in Dialect::ALL {
            lines.push_str(&shown(dialect, &make(dialect).send(hub.address).await));
        }
        note(case, lines);
    }
    let mut lines = String::new();
    for (dialect, request) in [
        (Dialect::Claude, Request::post("/v1/nothing", "{}").header("anthropic-version", "2023-06-01")),
        (Dialect::OpenAi, Request::post("/v1/nothing", "{}")),
        (Dialect::Gemini, Request::post("/v1beta/nothing", "{}")),
    ] {
        lines.push_str(&shown(dialect, &request.key(&key).send(hub.address).await));
    }
    note("unknown path", lines);
    insta::assert_snapshot!("own_errors", all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_throttled_address_is_told_so_in_its_dialect() {
    let setup = Setup::new().await;
    let hub = setup.start().await;
    let mut all = String::new();
    for dialect in Dialect::ALL {
        let ask = |attempt: u32| {
            Request::post(speech::path(dialect, false), speech::body(dialect, false))
                .key(&format!("cch_{attempt:040}"))
                .header("x-forwarded-for", format!("203.0.113.{}", dialect as u8))
        };
        for attempt in 0..20 {
            ask(attempt).send(hub.address).await;
        }
        all.push_str(&shown(dialect, &ask(20).send(hub.address).await));
    }
    insta::with_settings!({ filters => [(r"5\d\d s", "[wait] s"), ("retry-after=\\d+", "retry-after=[wait]")] }, {
        insta::assert_snapshot!("throttled", all);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_break_off_end_with_an_error_in_their_dialect() {
    let (setup, lab) = (Setup::new().await, lab().await);
    setup.providers(&lab.url()).await;
    let (key, hub) = (setup.member().await, setup.start().await);
    let mut all = String::new();
    for dialect in Dialect::ALL {
        for cut in ["close", "reset", "clean"] {
            let id = format!("{dialect} {cut}");
            let reply = Request::post(speech::path(dialect, true), speech::body(dialect, true))
                .key(&key.text)
                .lab(&format!("truncate_after=2; cut={cut}; split=11"))
                .lab_id(&id)
                .send(hub.address)
                .await;
            assert_eq!(reply.status, 200, "{id}");
            assert!(reply.is_whole, "{id}: the error is the stream's own end");
            let text = reply.text().replace("\r\n", "\n");
            // The last event, with the blank line before it.
            let last = text.trim_end().rsplit("\n\n").next().unwrap().replace(reply.id(), "[id]");
            let last = last.replace(&reply.id().replace('-', ""), "[id]");
            assert!(!text.contains("[DONE]"), "{id}");
            writeln!(all, "--- {id}\n{last}").unwrap();
            let record = hub.record(reply.id()).await;
            assert_eq!(record.outcome, hub_types::Outcome::UpstreamTruncated, "{id}");
            assert_eq!(record.request.error_code.as_deref(), Some("upstream_truncated"), "{id}");
        }
    }
    insta::assert_snapshot!("broken_streams", all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_in_one_piece_that_breaks_off_is_no_whole_answer() {
    let (setup, lab) = (Setup::new().await, lab().await);
    setup.providers(&lab.url()).await;
    let (key, hub) = (setup.member().await, setup.start().await);
    for dialect in Dialect::ALL {
        let reply = Request::post(speech::path(dialect, false), speech::body(dialect, false))
            .key(&key.text)
            .lab("truncate_after=1; cut=close; body_bytes=4000000")
            .send(hub.address)
            .await;
        assert_eq!(reply.status, 200, "{dialect}: a large one is not held");
        assert!(!reply.is_whole, "{dialect}: nobody must take the part for the whole");
        let record = hub.record(reply.id()).await;
        assert_eq!(record.outcome, hub_types::Outcome::UpstreamTruncated, "{dialect}");
    }
}
