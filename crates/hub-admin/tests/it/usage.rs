//! Usage and migrations on the command line.

use std::sync::Arc;

use hub_repository::{Repository, Sealer, SqliteRepository, SqliteSettings};
use hub_types::{
    Attempt, AttemptId, AttemptReason, Clock, Dialect, Endpoint, KeyId, Money, Multiplier, Outcome,
    ProviderId, ProviderType, RequestId, RequestRecord, SystemClock, Timings, Usage, UsageSource, UserId,
};
use serde_json::json;

use crate::fixture::Admin;

fn record() -> RequestRecord {
    let timings = Timings { total_us: 1_000_000, ..Timings::default() };
    let attempt = Attempt {
        id: AttemptId::fresh(),
        provider_id: ProviderId(1),
        provider_name: "main".to_owned(),
        provider_type: ProviderType::Claude,
        reason: AttemptReason::InitialSelection,
        priority: 0,
        weight: 1,
        probability_ppm: 1_000_000,
        host: "api.example:443".to_owned(),
        sent_model: None,
        upstream_model: None,
        status: Some(200),
        class: None,
        error_rule_id: None,
        error: None,
        timings,
        usage: Some(Usage { input: 1000, output: 200, cache_read: 50, ..Usage::default() }),
        usage_source: Some(UsageSource::Reported),
        cost: Some(Money::from_nanos(1_250_000_000)),
        cost_breakdown: None,
        price_version: Some(1),
        provider_multiplier: Multiplier::ONE,
        is_trial: false,
        group_multiplier: Multiplier::ONE,
    };
    let now = SystemClock.now();
    RequestRecord {
        user_id: Some(UserId(1)),
        key_id: Some(KeyId(1)),
        model: Some("claude-sonnet".to_owned()),
        status: 200,
        timings,
        attempts: vec![attempt],
        ..RequestRecord::new(RequestId::fresh(), now, Dialect::Claude, Endpoint::Generate, Outcome::Completed)
    }
}

async fn keep(admin: &Admin, records: &[RequestRecord]) {
    let settings = SqliteSettings::new(admin.path("data/hub.db"), Sealer::new([0; 32]));
    let repository = Arc::new(SqliteRepository::open(settings).await.unwrap());
    repository.write_records(records).await.unwrap();
}

#[tokio::test]
async fn usage_is_summed_up_by_what_is_asked_for() {
    let admin = Admin::new();
    admin.run(&["users", "add", "ada"]).ok();
    keep(&admin, &[record(), record()]).await;
    insta::assert_snapshot!("usage_by_user", admin.run(&["usage", "--by", "user"]).ok());
    insta::assert_snapshot!("usage_total", admin.run(&["usage"]).ok());
    let report = admin.run(&["--json", "usage", "--by", "model", "--user", "ada"]).json();
    let row = &report["items"][0];
    assert_eq!(
        (&row["group"], &row["cost_usd"], &row["requests"]),
        (&json!("claude-sonnet"), &json!("2.5"), &json!(2))
    );
    admin.run(&["usage", "--hours", "0"]).refused(2);
    let none = admin.run(&["usage", "--model", "other", "--by", "model"]);
    assert!(none.stderr.contains("nothing to show") && none.code == 0, "{none:?}");
}

#[test]
fn migrate_makes_the_schema_and_check_only_looks() {
    let admin = Admin::new();
    let state = admin.run(&["--json", "migrate", "--check"]);
    assert_eq!(state.code, 1, "{state:?}");
    assert!(state.stdout.contains(r#""found": 0"#), "{state:?}");
    assert!(admin.run(&["migrate"]).ok().contains("is now at version"));
    assert!(admin.run(&["migrate", "--check"]).ok().contains("up to date"));
    assert_eq!(admin.run(&["--json", "migrate"]).json()["current"], true);
}
