//! A second provider beside one that has no content for too long: who wins, who pays, who is held to what.

use std::time::{Duration, Instant};

use hub_lab::{Behaviour, Entry, Outcome as Ended};
use hub_management::UsageQuery;
use hub_management::view::AttemptView;
use hub_types::{AttemptReason, Dialect, ErrorClass, Money, Outcome, ProviderId, UsageSource};
use serde_json::{Value, json};

use crate::harness::client::{Reply, Request};
use crate::harness::world::{ME, PATIENCE, witnessed};
use crate::harness::{sha256, speech};
use crate::sessions::ring::Ring;

/// The first provider is better, and another one starts beside it after this time.
const AFTER_MS: u64 = 300;

async fn pair(first: Value, second: Value) -> Ring {
    let mut fields = [
        json!({"priority": 0, "hedge_after_ms": AFTER_MS, "failure_threshold": 1}),
        json!({"priority": 1, "failure_threshold": 1}),
        json!({"priority": 2}),
    ];
    for (fields, more) in fields.iter_mut().zip([first, second]) {
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    }
    Ring::start(Dialect::Claude, &fields).await
}

fn stream(session: &str, dialect: Dialect) -> Request {
    Request::post(speech::path(dialect, true), speech::body(dialect, true))
        .header("x-claude-code-session-id", session)
        .lab_id(session)
}

fn content_after(ms: u64) -> Behaviour {
    Behaviour { first_chunk_ms: Some(ms), ..Behaviour::default() }
}

async fn seen(ring: &Ring, place: usize, id: &str) -> Entry {
    witnessed(&ring.members[place].1, id).await
}

async fn is_the_answer_of(ring: &Ring, place: usize, id: &str, reply: &Reply) {
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(reply.is_whole);
    assert_eq!(seen(ring, place, id).await.response_sha256, Some(sha256(&reply.body)), "{}", reply.text());
}

type Step = (ProviderId, AttemptReason, Option<ErrorClass>);

fn step(attempt: &AttemptView) -> Step {
    (attempt.provider_id.unwrap(), attempt.reason, attempt.class)
}

async fn failures(ring: &Ring, place: usize) -> Value {
    let health = ring.hub.management().provider_health(&ME, ring.members[place].0).await.unwrap();
    serde_json::to_value(health).unwrap()["failures"].clone()
}

/// What the ledger says in all: lines, input tokens and cost.
async fn ledger(ring: &Ring) -> (u64, u64, Money) {
    let summary = ring.hub.management().usage_summary(&ME, &UsageQuery::default()).await.unwrap();
    let row = &serde_json::to_value(&summary).unwrap()["items"][0];
    let number = |name: &str| row[name].as_u64().unwrap_or_else(|| panic!("{name}: {row}"));
    (number("requests"), number("input_tokens"), row["cost_usd"].as_str().unwrap().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_to_have_content_wins_and_the_other_is_on_a_ledger_line_of_its_own() {
    let ring = pair(json!({}), json!({})).await;
    let (slow, quick) = (ring.members[0].0, ring.members[1].0);
    ring.plays(slow, Behaviour { input: Some(70), ..content_after(5_000) });
    ring.plays(quick, Behaviour { input: Some(80), ..Behaviour::default() });
    let begun = Instant::now();
    let reply = ring.send(stream("a", Dialect::Claude)).await;
    let took = begun.elapsed();
    assert!((Duration::from_millis(AFTER_MS)..Duration::from_secs(3)).contains(&took), "{took:?}");
    is_the_answer_of(&ring, 1, "a", &reply).await;
    assert_eq!(seen(&ring, 0, "a").await.outcome, Ended::ClientGone, "the loser is cancelled");
    let record = ring.record(&reply).await.0;
    let [loser, winner] = record.attempts.as_slice() else { panic!("{:?}", record.attempts) };
    assert_eq!(step(loser), (slow, AttemptReason::HedgeLost, None));
    assert_eq!(step(winner), (quick, AttemptReason::HedgeWon, None));
    assert!(winner.queued_ms >= AFTER_MS && winner.queued_ms < AFTER_MS + 300, "{}", winner.queued_ms);
    assert_eq!(record.outcome, Outcome::Completed);
    assert_eq!((loser.input_tokens, winner.input_tokens), (Some(70), Some(80)));
    assert!(loser.output_tokens < winner.output_tokens, "what it had reported by then");
    assert_eq!(winner.usage_source, Some(UsageSource::Reported));
    let cost = loser.cost_usd.unwrap() + winner.cost_usd.unwrap();
    assert_eq!(ledger(&ring).await, (2, 150, cost), "both are paid for");
    // Nothing is held against the loser, and the session goes with the winner.
    assert_eq!(failures(&ring, 0).await, 0);
    let next = ring.served(stream("a", Dialect::Claude)).await;
    assert!(next.is_reuse() && next.provider() == quick, "{next:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_content_in_time_is_left_alone() {
    let ring = pair(json!({}), json!({})).await;
    let (first, other) = (ring.members[0].0, &ring.members[1].1);
    let reply = ring.send(stream("quick", Dialect::Claude)).await;
    is_the_answer_of(&ring, 0, "quick", &reply).await;
    // After content, time does not matter.
    ring.plays(first, Behaviour { chunk_ms: Some(100), chunks: Some(8), ..Behaviour::default() });
    let reply = ring.send(stream("long", Dialect::Claude)).await;
    is_the_answer_of(&ring, 0, "long", &reply).await;
    // An answer in one piece says nothing of how far it is.
    ring.plays(first, Behaviour { latency_ms: Some(2 * AFTER_MS), ..Behaviour::default() });
    let whole = Request::post("/v1/messages", speech::body(Dialect::Claude, false)).lab_id("whole");
    let reply = ring.send(whole).await;
    is_the_answer_of(&ring, 0, "whole", &reply).await;
    assert_eq!(other.witness().totals().received, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_provider_may_still_win() {
    let ring = pair(json!({}), json!({})).await;
    let (first, second) = (ring.members[0].0, ring.members[1].0);
    ring.plays(first, content_after(2 * AFTER_MS));
    ring.plays(second, content_after(5_000));
    let reply = ring.send(stream("a", Dialect::Claude)).await;
    is_the_answer_of(&ring, 0, "a", &reply).await;
    assert_eq!(seen(&ring, 1, "a").await.outcome, Ended::ClientGone);
    let record = ring.record(&reply).await;
    let steps: Vec<Step> = record.0.attempts.iter().map(step).collect();
    assert_eq!(
        steps,
        [(second, AttemptReason::HedgeLost, None), (first, AttemptReason::InitialSelection, None)]
    );
    assert_eq!((record.provider(), failures(&ring, 1).await), (first, json!(0)));
    assert_eq!(ring.members[2].1.witness().totals().received, 0, "one beside it is enough");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn if_one_of_the_two_fails_the_other_is_the_failover() {
    let ring = pair(json!({}), json!({})).await;
    let (first, second) = (ring.members[0].0, ring.members[1].0);
    let failing = |ms| Behaviour { status: Some(500), latency_ms: Some(ms), ..Behaviour::default() };
    ring.plays(first, failing(2 * AFTER_MS));
    ring.plays(second, content_after(3 * AFTER_MS));
    let reply = ring.send(stream("first fails", Dialect::Claude)).await;
    is_the_answer_of(&ring, 1, "first fails", &reply).await;
    let record = ring.record(&reply).await.0;
    let steps: Vec<Step> = record.attempts.iter().map(step).collect();
    let failed = Some(ErrorClass::ProviderError);
    assert_eq!(
        steps,
        [(first, AttemptReason::InitialSelection, failed), (second, AttemptReason::HedgeLaunched, None)]
    );
    assert_eq!(failures(&ring, 0).await, 1, "that counts");
    ring.hub.forgive("p0").await;
    ring.plays(first, content_after(3 * AFTER_MS));
    ring.plays(second, failing(0));
    let reply = ring.send(stream("second fails", Dialect::Claude)).await;
    is_the_answer_of(&ring, 0, "second fails", &reply).await;
    let record = ring.record(&reply).await.0;
    let steps: Vec<Step> = record.attempts.iter().map(step).collect();
    assert_eq!(
        steps,
        [(second, AttemptReason::HedgeLaunched, failed), (first, AttemptReason::InitialSelection, None)]
    );
    // Both fail, and the third one is asked.
    for name in ["p0", "p1"] {
        ring.hub.forgive(name).await;
    }
    ring.plays(first, failing(2 * AFTER_MS));
    let reply = ring.send(stream("both fail", Dialect::Claude)).await;
    is_the_answer_of(&ring, 2, "both fail", &reply).await;
    let record = ring.record(&reply).await.0;
    let reasons: Vec<AttemptReason> = record.attempts.iter().map(|attempt| attempt.reason).collect();
    assert_eq!(
        reasons,
        [AttemptReason::HedgeLaunched, AttemptReason::InitialSelection, AttemptReason::Failover]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_while_two_run_leaves_both_as_their_policies_say() {
    for policy in ["cancel", "drain"] {
        let ring = pair(json!({"on_client_abort": policy}), json!({"on_client_abort": policy})).await;
        for (provider, _) in &ring.members {
            ring.plays(*provider, content_after(1_500));
        }
        let both_run = async {
            for place in [0, 1] {
                let witness = ring.members[place].1.witness();
                let answered = witness.wait_until(PATIENCE, |totals| totals.answered == 1);
                assert!(answered.await);
            }
            // The heads are there, too, in a moment.
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        let request = stream("gone", Dialect::Claude).key(&ring.key.text);
        request.send_and_leave_when(ring.hub.address, both_run).await;
        let ended = if policy == "cancel" { Ended::ClientGone } else { Ended::Complete };
        for place in [0, 1] {
            assert_eq!(seen(&ring, place, "gone").await.outcome, ended, "{policy}");
        }
        let record = ring.recorded("client_aborted").await.0;
        assert_eq!((record.outcome, record.attempts.len()), (Outcome::ClientAborted, 2), "{policy}");
        for attempt in &record.attempts {
            assert_eq!(attempt.class, Some(ErrorClass::ClientAbort), "{policy}");
            // 34 tokens is what the whole answer has.
            let output = attempt.output_tokens.unwrap();
            assert_eq!(output == 34, policy == "drain", "{policy}: {output}");
        }
        assert_eq!(ledger(&ring).await.0, 2, "{policy}");
        assert_eq!(ring.members[2].1.witness().totals().received, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_strict_budget_holds_is_for_one_provider_only() {
    let fields = [json!({"priority": 0, "hedge_after_ms": AFTER_MS}), json!({"priority": 1})];
    for (key, asked) in [(json!({"limit_total_usd": "100"}), 0), (json!({}), 1)] {
        let ring = Ring::with(&[("BUDGET_MODE", "strict")], key, Dialect::Claude, &fields).await;
        ring.plays(ring.members[0].0, content_after(3 * AFTER_MS));
        let reply = ring.send(stream("a", Dialect::Claude)).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(ring.members[1].1.witness().totals().received, asked);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_counted_at_the_winner_and_not_at_the_loser() {
    let fields = [
        json!({"priority": 0, "limit_concurrent_sessions": 1, "hedge_after_ms": AFTER_MS}),
        json!({"priority": 1, "limit_concurrent_sessions": 1}),
    ];
    let ring = Ring::start(Dialect::Claude, &fields).await;
    let (slow, quick) = (ring.members[0].0, ring.members[1].0);
    ring.plays(slow, content_after(5_000));
    assert_eq!(ring.served(stream("a", Dialect::Claude)).await.provider(), quick);
    ring.plays(slow, Behaviour::default());
    assert_eq!(ring.served(stream("b", Dialect::Claude)).await.provider(), slow);
    let reply = ring.send(stream("c", Dialect::Claude)).await;
    assert_eq!(reply.status, 503, "both have their session: {}", reply.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_two_gets_signs_of_life_too_in_every_dialect() {
    for dialect in Dialect::ALL {
        let fields = [json!({"priority": 0, "hedge_after_ms": AFTER_MS}), json!({"priority": 1})];
        let ring = Ring::with(&[("STREAM_KEEP_ALIVE_MS", "200")], json!({}), dialect, &fields).await;
        ring.plays(ring.members[0].0, content_after(5_000));
        ring.plays(ring.members[1].0, content_after(AFTER_MS));
        let reply = ring.send(stream("a", dialect)).await;
        let own = seen(&ring, 1, "a").await;
        let signs = reply.body.len() - usize::try_from(own.response_bytes).unwrap();
        assert!(signs > 0, "{dialect}: {}", reply.text());
        assert_eq!(own.response_sha256, Some(sha256(&reply.body[signs..])), "{dialect}");
        assert_eq!(seen(&ring, 0, "a").await.outcome, Ended::ClientGone, "{dialect}");
    }
}
