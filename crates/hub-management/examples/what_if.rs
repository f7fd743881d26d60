//! What `what-if` takes over 100,000 recorded requests in SQLite:
//! `cargo run --release -p hub-management --example what_if`.
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use hub_management::{Management, Patch, Principal, Settings};
use hub_repository::{Repository, Sealer, SqliteRepository, SqliteSettings};
use hub_routing::{Catalogue, KnownHealth, recorded_facts, replay};
use hub_types::{
    Attempt, AttemptId, AttemptReason, Convertible, Dialect, Endpoint, GroupSet, MatchKind, Multiplier,
    Outcome, Provider, ProviderId, RequestId, RequestRecord, RoutingRecord, RoutingStep, SystemClock,
    Timings, Usage, UsageSource, UserId,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const REQUESTS: u64 = 100_000;
const PROVIDERS: u64 = 40;
/// So often was the configuration edited meanwhile.
const EDITS: u64 = 100;
const BATCH: u64 = 500;
const ME: Principal = Principal::cli();

type Outcomes<T> = Result<T, Box<dyn Error>>;

fn patch(value: Value) -> Patch {
    match value {
        Value::Object(members) => members,
        _ => Patch::new(),
    }
}

/// A request as the gateway records it, chosen from these providers.
fn record(catalogue: &Catalogue, version: i64, at: Timestamp, number: u64) -> RequestRecord {
    let mut routing = RoutingRecord {
        catalogue: version,
        left_out: Vec::new(),
        seed: number.wrapping_mul(0x9E37_79B9_7F4A_7C15),
        local_time: jiff::civil::time(12, 0, 0, 0),
        groups: GroupSet::parse(if number.is_multiple_of(2) { "team-a" } else { "team-b" }),
        convertible: Convertible::Yes,
        steps: Vec::new(),
    };
    let id = RequestId::fresh();
    let mut record = RequestRecord::new(id, at, Dialect::Claude, Endpoint::Generate, Outcome::Completed);
    record.model = Some("claude-sonnet-4-5".to_owned());
    record.client.name = Some("claude-cli".to_owned());
    record.user_id = Some(UserId(1));
    record.status = 200;
    let facts = recorded_facts(&record, &routing);
    let first = replay(catalogue, &facts, &KnownHealth::default(), &routing, &[], None);
    let step = RoutingStep {
        picked: first.picked,
        priority: first.priority,
        probability_ppm: first.probability_ppm,
        ..RoutingStep::default()
    };
    if let Some(survey) = &first.survey {
        record.stages = survey.stages();
    }
    let picked = first.picked.and_then(|id| catalogue.get(id));
    record.attempts.extend(picked.map(|compiled| attempt(compiled.provider(), &step)));
    routing.steps.push(step);
    record.routing = Some(Box::new(routing));
    record
}

fn attempt(provider: &Provider, step: &RoutingStep) -> Attempt {
    Attempt {
        id: AttemptId::fresh(),
        provider_id: provider.id,
        provider_name: provider.name.clone(),
        provider_type: provider.provider_type,
        reason: AttemptReason::InitialSelection,
        priority: step.priority,
        weight: provider.weight,
        probability_ppm: step.probability_ppm,
        host: "upstream.example.com:443".to_owned(),
        sent_model: Some("claude-sonnet-4-5".to_owned()),
        upstream_model: Some("claude-sonnet-4-5-20250929".to_owned()),
        status: Some(200),
        class: None,
        error_rule_id: None,
        error: None,
        timings: Timings { total_us: 12_345_678, ..Timings::default() },
        usage: Some(Usage { input: 1_234, output: 567, ..Usage::default() }),
        usage_source: Some(UsageSource::Reported),
        cost: None,
        cost_breakdown: None,
        price_version: None,
        provider_multiplier: Multiplier::ONE,
        is_trial: false,
        group_multiplier: Multiplier::ONE,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcomes<()> {
    let directory = tempfile::tempdir()?;
    let settings = SqliteSettings::new(directory.path().join("hub.db"), Sealer::new([7; 32]));
    let repository = Arc::new(SqliteRepository::open(settings).await?);
    let settings =
        Settings { admin_token: None, auth_session_ttl: SignedDuration::ZERO, allow_private_upstreams: true };
    let shared = Arc::clone(&repository) as Arc<dyn Repository>;
    let management = Management::new(shared, Arc::new(SystemClock), settings);
    for number in 0..PROVIDERS {
        let fields = json!({
            "name": format!("provider-{number}"),
            "url": "https://upstream.example.com",
            "provider_type": "claude",
            "weight": number % 5,
            "group_tag": if number % 3 == 0 { "team-a,team-b" } else { "team-a" },
            "allowed_models": [{"match": MatchKind::Prefix, "pattern": "claude-"}, {"match": MatchKind::Regex, "pattern": "^gpt-[0-9]"}],
        });
        management.create_provider(&ME, &patch(fields)).await?;
    }
    let start: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    let writing = Instant::now();
    for edit in 0..EDITS {
        let id = ProviderId(i64::try_from(edit % PROVIDERS)? + 1);
        management.update_provider(&ME, id, &patch(json!({"weight": 5 + edit % 7}))).await?;
        let stored = repository.load_catalogue().await?;
        let (catalogue, _) = Catalogue::build(stored.providers.into_iter().map(Arc::new));
        for batch in 0..REQUESTS / EDITS / BATCH {
            let numbers = (0..BATCH).map(|at| (edit * REQUESTS / EDITS) + batch * BATCH + at);
            let records: Vec<RequestRecord> = numbers
                .map(|number| {
                    let at =
                        start + SignedDuration::from_millis(i64::try_from(number).unwrap_or_default() * 100);
                    record(&catalogue, stored.version, at, number)
                })
                .collect();
            repository.write_records(&records).await?;
        }
    }
    println!(
        "{REQUESTS} requests, {PROVIDERS} providers, {EDITS} edits: written in {:.1?}",
        writing.elapsed()
    );
    let span = json!({"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"});
    let off = json!({"1": {"is_enabled": false}, "2": {"priority": 1}});
    for (what, changes) in [("nothing changed", json!({})), ("two providers changed", off)] {
        let mut input = patch(span.clone());
        input.insert("changes".to_owned(), changes);
        let asked = Instant::now();
        let report = management.what_if(&ME, &input).await?;
        println!(
            "{what}: {:.1?}; {} requests, {} same, {} moved, {} lost, {} not counted",
            asked.elapsed(),
            report.requests,
            report.same,
            report.moved,
            report.lost,
            report.not_recorded + report.forgotten
        );
    }
    repository.close().await;
    Ok(())
}
