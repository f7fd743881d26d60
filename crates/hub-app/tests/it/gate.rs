//! Answers that begin well and are none: the client never sees them, if somebody else has a better one.

use hub_lab::{Behaviour, Scenario};
use hub_types::{AttemptReason, Dialect, ErrorClass, Outcome};

use crate::failover::{Pair, plays};
use crate::harness::sha256;
use crate::harness::world::witnessed;

/// Scripts of answers without content, and what they are.
const HOLLOW: [(&str, ErrorClass); 9] = [
    ("error_in_200; error_type=api_error", ErrorClass::FakeSuccess),
    ("error_in_200; error_type=api_error; error_after=0", ErrorClass::FakeSuccess),
    ("error_in_200; error_type=overloaded_error; error_after=0", ErrorClass::Overloaded),
    ("malformed=html", ErrorClass::FakeSuccess),
    ("malformed=empty", ErrorClass::FakeSuccess),
    ("malformed=json; chunks=1", ErrorClass::FakeSuccess),
    ("truncate_after=0; cut=clean", ErrorClass::FakeSuccess),
    ("truncate_after=0; cut=close", ErrorClass::FakeSuccess),
    ("truncate_after=0; cut=reset", ErrorClass::FakeSuccess),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_hidden_in_successes_are_answered_by_the_next_provider() {
    let pair = Pair::start().await;
    for (script, class) in HOLLOW {
        plays(&pair.first, Behaviour::from_header(script).unwrap());
        for dialect in Dialect::ALL {
            for stream in [false, true] {
                let id = format!("{script} {dialect} {stream}");
                let reply = pair.ask(dialect, stream, &id).await;
                assert_eq!(reply.status, 200, "{id}: {}", reply.text());
                assert!(reply.is_whole, "{id}");
                let seen = witnessed(&pair.second, &id).await;
                assert_eq!(seen.response_sha256, Some(sha256(&reply.body)), "{id}: {}", reply.text());
                let record = pair.hub.record(reply.id()).await;
                let [one, two] = record.attempts.as_slice() else { panic!("{id}: {:?}", record.attempts) };
                assert_eq!((one.status, one.reason), (Some(200), AttemptReason::InitialSelection), "{id}");
                // A Responses stream has no word for an overload.
                let has_word = !(stream && dialect == Dialect::Responses);
                let class = if has_word { class } else { ErrorClass::FakeSuccess };
                // What never got anywhere may have been reset before any byte of the body was seen.
                let is_reset =
                    script.starts_with("truncate_after=0") && one.class == Some(ErrorClass::Network);
                assert!(one.class == Some(class) || is_reset, "{id}: {:?}", one.class);
                assert_eq!(one.cost_usd, None, "{id}: a failure costs nothing");
                assert_eq!((two.class, two.reason), (None, AttemptReason::Failover), "{id}");
                assert_eq!(record.outcome, Outcome::Completed, "{id}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_all_hide_errors_the_client_gets_a_plain_one() {
    let pair = Pair::start().await;
    let script = "error_in_200; error_type=api_error; error_message=the sky fell; error_after=0";
    for lab in [&pair.first, &pair.second] {
        plays(lab, Behaviour::from_header(script).unwrap());
    }
    for dialect in Dialect::ALL {
        for stream in [false, true] {
            let reply = pair.ask(dialect, stream, &format!("{dialect} {stream}")).await;
            assert_eq!(reply.status, 502, "{dialect} {stream}: {}", reply.text());
            assert_eq!(reply.header("content-type"), Some("application/json"));
            assert_eq!(reply.json()["error"]["message"], "the sky fell", "{dialect} {stream}");
            let record = pair.hub.record(reply.id()).await;
            assert_eq!((record.outcome, record.attempts.len()), (Outcome::Failed, 2));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_complete_and_says_nothing_passes_if_nobody_says_more() {
    let pair = Pair::start().await;
    let silent =
        Behaviour { chunks: Some(0), body_bytes: Some(0), text: Some(String::new()), ..Behaviour::default() };
    for lab in [&pair.first, &pair.second] {
        plays(lab, silent.clone());
    }
    for dialect in Dialect::ALL {
        for stream in [false, true] {
            let id = format!("{dialect} {stream}");
            let reply = pair.ask(dialect, stream, &id).await;
            assert_eq!(reply.status, 200, "{id}: {}", reply.text());
            let seen = witnessed(&pair.second, &id).await;
            assert_eq!(seen.response_sha256, Some(sha256(&reply.body)), "{id}: {}", reply.text());
            let record = pair.hub.record(reply.id()).await;
            assert_eq!(record.attempts.len(), 2, "{id}");
            assert!(
                record.attempts.iter().all(|attempt| attempt.cost_usd.is_some()),
                "{id}: both were paid for"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_has_no_content_in_time_is_given_up_for_the_next() {
    let pair = Pair::start().await;
    pair.edit_first(serde_json::json!({"timeout_first_byte": 1000})).await;
    plays(&pair.first, Behaviour { first_chunk_ms: Some(30_000), ..Behaviour::default() });
    for dialect in Dialect::ALL {
        let reply = pair.ask(dialect, true, &format!("late {dialect}")).await;
        assert_eq!(reply.status, 200, "{dialect}: {}", reply.text());
        let record = pair.hub.record(reply.id()).await;
        assert_eq!(record.attempts[0].class, Some(ErrorClass::Timeout), "{dialect}");
        assert_eq!(record.attempts.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_content_nothing_is_tried_again() {
    let pair = Pair::start().await;
    pair.first.set_scenario(Scenario::always(Behaviour::from_header("truncate_after=1; cut=close").unwrap()));
    for dialect in Dialect::ALL {
        let id = format!("cut {dialect}");
        let reply = pair.ask(dialect, true, &id).await;
        assert_eq!(reply.status, 200);
        let record = pair.hub.record(reply.id()).await;
        assert_eq!((record.outcome, record.attempts.len()), (Outcome::UpstreamTruncated, 1), "{id}");
    }
}
