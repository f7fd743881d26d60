//! The load generator against a lab.

use std::time::Duration;

use hub_lab::load::{Limit, LoadPlan, claude_body, run};
use hub_lab::{Lab, LabConfig};

fn plan(lab: &Lab, stream: bool, limit: Limit) -> LoadPlan {
    LoadPlan {
        url: lab.url(),
        headers: vec!["x-lab: chunks=3".into()],
        concurrency: 4,
        limit,
        body: claude_body("claude-x", 2000, stream),
        expect_chunks: None,
        timeout: Duration::from_secs(10),
    }
}

#[tokio::test]
async fn it_sends_exactly_what_it_was_told() {
    let lab = Lab::start(LabConfig::default()).await.unwrap();
    let report = run(plan(&lab, false, Limit::Requests(101))).await.unwrap();
    assert_eq!((report.requests, report.errors, report.chunks), (101, 0, 0), "{report:?}");
    let totals = lab.witness().totals();
    assert_eq!((totals.completed, totals.request_bytes), (101, 101 * 2000));
    assert!(report.bytes > totals.response_bytes);
    assert!(report.latency.p50 > 0 && report.latency.p50 <= report.latency.max);
    assert!(report.first_byte.p50 <= report.latency.p50);
    lab.stop().await;
}

#[tokio::test]
async fn it_counts_the_events_of_streams() {
    let lab = Lab::start(LabConfig::default()).await.unwrap();
    let good = LoadPlan { expect_chunks: Some(8), ..plan(&lab, true, Limit::Requests(20)) };
    let report = run(good.clone()).await.unwrap();
    assert_eq!((report.requests, report.errors, report.chunks), (20, 0, 160), "{report:?}");
    let report = run(LoadPlan { expect_chunks: Some(9), ..good }).await.unwrap();
    assert_eq!((report.requests, report.errors), (0, 20));
    assert_eq!(report.first_error.as_deref(), Some("8 events instead of 9"));
    lab.stop().await;
}

#[tokio::test]
async fn broken_answers_are_errors_and_it_goes_on() {
    let lab = Lab::start(LabConfig::default()).await.unwrap();
    for script in ["x-lab: truncate_after=1;cut=reset", "x-lab: status=500", "x-lab: no_head"] {
        let broken = LoadPlan { headers: vec![script.into()], ..plan(&lab, true, Limit::Requests(6)) };
        let report = run(broken).await.unwrap();
        assert_eq!((report.requests, report.errors), (0, 6), "{script}");
    }
    assert_eq!(lab.witness().totals().received, 18);
    lab.stop().await;
}

#[tokio::test]
async fn it_stops_in_time() {
    let lab = Lab::start(LabConfig::default()).await.unwrap();
    let report = run(plan(&lab, false, Limit::Time(Duration::from_millis(200)))).await.unwrap();
    assert!(report.seconds >= 0.2 && report.requests > 0 && report.errors == 0);
    assert!(
        lab.witness().wait_until(Duration::from_secs(10), |totals| totals.completed == report.requests).await
    );
    lab.stop().await;
}
