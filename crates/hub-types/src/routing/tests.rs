use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::time;

use super::*;
use crate::{
    Attempt, AttemptId, AttemptReason, ClientInfo, CostBreakdown, Dialect, Endpoint, ErrorClass, KeyId,
    Money, Multiplier, Outcome, RequestId, RequestRecord, StageCount, Timings, Usage, UsageSource, UserId,
};

fn attempt(provider: i64, failed: bool) -> Attempt {
    Attempt {
        id: AttemptId::fresh(),
        provider_id: ProviderId(provider),
        provider_name: "relay-in-frankfurt".to_owned(),
        provider_type: ProviderType::Claude,
        reason: AttemptReason::Failover,
        priority: 10,
        weight: 100,
        probability_ppm: 333_333,
        host: "relay-frankfurt.upstream.example.com:443".to_owned(),
        sent_model: Some("claude-opus-4-5-20251101".to_owned()),
        upstream_model: (!failed).then(|| "claude-opus-4-5-20251101".to_owned()),
        status: Some(if failed { 503 } else { 200 }),
        class: failed.then_some(ErrorClass::ProviderError),
        error_rule_id: None,
        error: failed.then(|| "overloaded, please try again in a moment; ".repeat(5)),
        timings: Timings {
            queued_us: 1_234_567,
            connected_us: Some(15),
            first_byte_us: Some(2_345_678),
            first_content_us: Some(3_456_789),
            total_us: 45_678_901,
        },
        usage: (!failed).then_some(Usage { input: 123_456, output: 7_890, ..Usage::default() }),
        usage_source: (!failed).then_some(UsageSource::Reported),
        cost: Some(Money::from_nanos(1_234_567_890)),
        cost_breakdown: Some(CostBreakdown {
            input: Money::from_nanos(1_034_567_890),
            output: Money::from_nanos(200_000_000),
            ..CostBreakdown::default()
        }),
        price_version: Some(12),
        provider_multiplier: "0.85".parse().unwrap(),
        is_trial: false,
        group_multiplier: Multiplier::ONE,
    }
}

/// The third provider answered; ten others were not well.
fn record() -> RequestRecord {
    let step = |excluded: &[i64], picked| RoutingStep {
        excluded: excluded.iter().copied().map(ProviderId).collect(),
        picked: Some(ProviderId(picked)),
        priority: 10,
        probability_ppm: 333_333,
        ..RoutingStep::default()
    };
    let mut steps = vec![step(&[], 101), step(&[101], 102), step(&[101, 102], 103)];
    for (word, ids) in [("circuit_open", 104..108), ("rate_limited", 108..114)] {
        steps[0].health.insert(Cow::Borrowed(word), ids.map(ProviderId).collect());
    }
    steps[0].binding = Some(BindingRecord {
        provider_id: ProviderId(104),
        idle_us: Some(123_456_789),
        verdict: Cow::Borrowed("passed_over"),
    });
    let stages = ["group", "enabled", "client", "model", "dialect", "health", "priority"];
    let at = Timestamp::from_nanosecond(1_795_000_000_123_456_789).unwrap();
    RequestRecord {
        user_id: Some(UserId(12)),
        key_id: Some(KeyId(34)),
        session_id: Some("k34.0199f0a2-7c11-7aaa-bbbb-0123456789ab".to_owned()),
        session_sequence: Some(17),
        stream: true,
        client: ClientInfo { name: Some("claude-cli".to_owned()), version: Some("2.0.37".to_owned()) },
        client_address: Some("203.0.113.17".parse().unwrap()),
        model: Some("claude-opus-4-5-20251101".to_owned()),
        status: 200,
        attempts: vec![attempt(101, true), attempt(102, true), attempt(103, false)],
        stages: stages.map(|stage| StageCount { stage: stage.into(), left: 14 }).to_vec(),
        routing: Some(Box::new(RoutingRecord {
            catalogue: 4711,
            left_out: vec![ProviderId(99)],
            seed: u64::MAX,
            local_time: time(13, 37, 42, 123_456_789),
            groups: GroupSet::parse("team-frankfurt,default"),
            convertible: Convertible::Yes,
            steps,
        })),
        ..RequestRecord::new(RequestId::fresh(), at, Dialect::Claude, Endpoint::Generate, Outcome::Completed)
    }
}

#[test]
fn a_record_with_three_attempts_takes_less_than_4_kb() {
    let record = record();
    let whole = serde_json::to_string(&record).unwrap().len();
    let routing = serde_json::to_string(&record.routing).unwrap();
    assert!(whole <= 4096, "{whole}");
    assert!(routing.len() <= 600, "{} {routing}", routing.len());
}

#[test]
fn an_ordinary_choice_takes_little() {
    let step =
        RoutingStep { picked: Some(ProviderId(3)), probability_ppm: 500_000, ..RoutingStep::default() };
    let routing = RoutingRecord {
        catalogue: 17,
        left_out: Vec::new(),
        seed: 12_345_678_901_234_567_890,
        local_time: time(13, 37, 42, 123_456_000),
        groups: GroupSet::default(),
        convertible: Convertible::Unasked,
        steps: vec![step],
    };
    assert_eq!(
        serde_json::to_string(&routing).unwrap(),
        r#"{"catalogue":17,"seed":12345678901234567890,"local_time":"13:37:42.123456","steps":[{"picked":3,"probability_ppm":500000}]}"#
    );
}

#[test]
fn what_this_version_writes_stays_readable() {
    // Members of later versions are passed over, members of this one may be missing.
    let text = r#"{"catalogue":1,"seed":2,"local_time":"00:00:00","more":1,"steps":[{"less":1}]}"#;
    let routing: RoutingRecord = serde_json::from_str(text).unwrap();
    assert_eq!(routing.steps, [RoutingStep::default()]);
    let text = r#"{"id":1,"name":"a","provider_type":"claude","is_enabled":true,"priority":0,"weight":1}"#;
    let shape: ProviderShape = serde_json::from_str(text).unwrap();
    let provider = Provider::new(ProviderId(1), "a", "", ProviderType::Claude, Secret::new(""));
    assert_eq!(shape, ProviderShape::from(&provider));
    assert_eq!(ProviderShape::from(&Provider::from(shape.clone())), shape);
}

#[test]
fn records_from_before_choices_were_kept_are_still_read() {
    let mut older = serde_json::to_value(record()).unwrap();
    older.as_object_mut().unwrap().remove("routing");
    let read: RequestRecord = serde_json::from_value(older).unwrap();
    assert_eq!(read.routing, None);
}

#[test]
fn a_request_used_what_its_ledger_lines_say_together() {
    let mut record = record();
    (record.user_id, record.key_id) = (Some(UserId(1)), Some(KeyId(2)));
    record.attempts = vec![attempt(1, false), attempt(2, true), attempt(3, false)];
    let all = || record.ledger_lines();
    assert_eq!(all().count(), 2);
    assert_eq!(record.usage().unwrap().output, all().map(|line| line.usage.output).sum::<u64>());
    let mut nothing = record.clone();
    nothing.attempts = vec![Attempt { usage: None, cost: None, cost_breakdown: None, ..attempt(2, true) }];
    assert_eq!((nothing.usage(), nothing.cost(), nothing.cost_breakdown()), (None, None, None));
    record.attempts.remove(1);
    assert_eq!(record.cost(), record.ledger_lines().map(|line| line.cost).sum::<Option<Money>>());
    assert_eq!(record.cost_breakdown().unwrap().total(), record.cost().unwrap());
}
