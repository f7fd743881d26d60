//! `explain` and `what-if` on the command line.

use std::sync::Arc;

use hub_repository::{Repository, Sealer, SqliteRepository, SqliteSettings};
use hub_types::{
    Clock, Convertible, Dialect, Endpoint, GroupSet, Outcome, ProviderId, RequestId, RequestRecord,
    RoutingRecord, RoutingStep, StageCount, SystemClock,
};
use jiff::SignedDuration;
use serde_json::json;

use crate::fixture::Admin;

/// A request of two minutes ago that went to provider 1 under the second version of the configuration.
fn record() -> RequestRecord {
    let at = SystemClock.now() - SignedDuration::from_mins(2);
    let left = [2, 2, 2, 2, 2, 2, 1];
    let stages = ["group", "enabled", "client", "model", "dialect", "health", "priority"];
    let step =
        RoutingStep { picked: Some(ProviderId(1)), probability_ppm: 1_000_000, ..RoutingStep::default() };
    RequestRecord {
        model: Some("{} m".to_owned()),
        stages: stages
            .into_iter()
            .zip(left)
            .map(|(stage, left)| StageCount { stage: stage.into(), left })
            .collect(),
        routing: Some(Box::new(RoutingRecord {
            catalogue: 2,
            left_out: Vec::new(),
            seed: u64::MAX,
            local_time: jiff::civil::time(12, 30, 0, 0),
            groups: GroupSet::default(),
            convertible: Convertible::Yes,
            steps: vec![step],
        })),
        ..RequestRecord::new(RequestId::fresh(), at, Dialect::Claude, Endpoint::Generate, Outcome::Completed)
    }
}

/// Two providers, and the records given.
async fn hub_with(records: &[RequestRecord]) -> Admin {
    let admin = Admin::new();
    let add = ["--url", "https://a.example", "--type", "claude"];
    admin.run(&[&["providers", "add", "main.relay"], &add[..]].concat()).ok();
    admin.run(&[&["providers", "add", "spare"], &add[..], &["priority=1"]].concat()).ok();
    let settings = SqliteSettings::new(admin.path("data/hub.db"), Sealer::new([0; 32]));
    let repository = Arc::new(SqliteRepository::open(settings).await.unwrap());
    repository.write_records(records).await.unwrap();
    admin
}

#[tokio::test]
async fn a_request_is_explained_stage_by_stage() {
    let kept = record();
    let mut wrong = record();
    wrong.routing.as_mut().unwrap().steps[0].picked = Some(ProviderId(2));
    let mut silent = record();
    silent.routing = None;
    let admin = hub_with(&[kept.clone(), wrong.clone(), silent.clone()]).await;
    let id = kept.id.to_string();
    insta::assert_snapshot!("explain_en", admin.run(&["explain", &id]).ok());
    assert_eq!(admin.run(&["--json", "explain", &id]).json()["verdict"], "same");

    let different = admin.run(&["explain", &wrong.id.to_string()]);
    assert_eq!(different.code, 1, "{different:?}");
    assert!(
        different.stdout.contains("recorded was 2") && different.stderr.contains("not what was recorded")
    );
    let unknown = admin.run(&["explain", &silent.id.to_string()]).refused(1);
    assert!(unknown.contains("does not say"), "{unknown}");
    let json = admin.run(&["--json", "explain", &silent.id.to_string()]);
    assert!(json.code == 1 && json.stdout.contains("not_recorded"), "{json:?}");
    admin.run(&["explain", &RequestId::fresh().to_string()]).refused(1);
    admin.run(&["explain", "seven"]).refused(2);
    let chinese = admin.with("LANG", "zh_CN.UTF-8");
    insta::assert_snapshot!("explain_zh", chinese.run(&["explain", &id]).ok());
}

#[tokio::test]
async fn requests_are_played_through_under_other_columns() {
    let mut silent = record();
    silent.routing = None;
    let admin = hub_with(&[record(), record(), silent]).await;
    let off = admin.run(&["what-if", "main.relay.is_enabled=false"]);
    assert!(off.stderr.contains(": 0 to the same provider, 2 to another"), "{off:?}");
    assert!(off.stderr.contains("1 more can't be computed again"), "{off:?}");
    insta::assert_snapshot!("what_if_en", off.ok());
    let same =
        admin.run(&["--json", "what-if", "2.weight=7", "main.relay.weight=3", "--choose", "--now"]).json();
    assert_eq!((&same["requests"], &same["same"]), (&json!(3), &json!(2)));
    let empty = admin.run(&["what-if", "--to", "2020-01-01T00:00:00Z"]);
    assert!(empty.code == 0 && empty.stdout.is_empty() && empty.stderr.contains("0 requests"), "{empty:?}");
    admin.run(&["what-if", "weight=3"]).refused(2);
    admin.run(&["what-if", "gone.weight=3"]).refused(1);
    let refused = admin.run(&["what-if", "spare.url=https://b.example"]).refused(2);
    assert!(refused.contains("changes.2.url"), "{refused}");
    let chinese = admin.with("LANG", "zh_CN.UTF-8");
    insta::assert_snapshot!("what_if_zh", chinese.run(&["what-if", "spare.priority=-1"]).ok());
}
