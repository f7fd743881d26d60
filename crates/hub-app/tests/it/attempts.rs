//! What `/metrics` says of attempts: further tries, failovers, second providers beside slow ones.

use hub_lab::{Behaviour, Scenario};
use hub_types::Dialect;
use serde_json::json;

use crate::harness::client::Request;
use crate::harness::speech;
use crate::sessions::ring::Ring;

/// The lines of a counter that are not 0, without the counter's name.
async fn counted(ring: &Ring, name: &str) -> Vec<String> {
    let page = Request::get("/metrics").send(ring.hub.address).await.text();
    let mut lines: Vec<String> =
        page.lines().filter_map(|line| line.strip_prefix(name)).map(str::to_owned).collect();
    lines.sort();
    lines
}

fn stream(session: &str) -> Request {
    Request::post("/v1/messages", speech::body(Dialect::Claude, true)).header("x-session-id", session)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tries_failovers_and_hedges_are_counted_with_what_became_of_them() {
    let fields = [
        json!({"priority": 0, "hedge_after_ms": 100, "failure_threshold": 0}),
        json!({"priority": 1, "failure_threshold": 0}),
    ];
    let ring = Ring::start(Dialect::Claude, &fields).await;
    let (first, lab) = (ring.members[0].0, &ring.members[0].1);
    let hang_up = Behaviour { no_head: Some(true), ..Behaviour::default() };
    lab.set_scenario(Scenario::sequence([hang_up]));
    ring.served(stream("tried again")).await;
    ring.plays(first, Behaviour { status: Some(500), ..Behaviour::default() });
    ring.served(stream("failed over")).await;
    ring.plays(first, Behaviour { first_chunk_ms: Some(20_000), ..Behaviour::default() });
    ring.served(stream("second is first")).await;
    ring.plays(ring.members[1].0, Behaviour { first_chunk_ms: Some(20_000), ..Behaviour::default() });
    ring.plays(first, Behaviour { first_chunk_ms: Some(800), ..Behaviour::default() });
    ring.served(stream("first is first")).await;
    assert_eq!(
        counted(&ring, "hub_attempts_total").await,
        [
            r#"{reason="failover",result="ok"} 1"#,
            r#"{reason="hedge_lost",result="cancelled"} 2"#,
            r#"{reason="hedge_won",result="ok"} 1"#,
            r#"{reason="initial_selection",result="network"} 1"#,
            r#"{reason="initial_selection",result="ok"} 1"#,
            r#"{reason="initial_selection",result="provider_error"} 1"#,
            r#"{reason="retry_failed",result="ok"} 1"#,
        ]
    );
    let hedges = [r#"{event="started"} 2"#, r#"{event="won"} 1"#];
    assert_eq!(counted(&ring, "hub_hedges_total").await, hedges);
}
