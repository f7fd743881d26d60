//! What a storm may leave behind: nothing under way, no session in use, no memory, no open file.

use std::time::{Duration, Instant};

use super::Invariant;
use crate::chaos::storm::Aftermath;
use crate::harness::{Admin, Look};

/// How long an idle hub is given to let go of what it had in use: sessions, connections kept for the next request.
const IDLE: Duration = Duration::from_secs(40);
/// The connections that a hub keeps open to vendors and stores for the next request.
const KEPT: u64 = 64;

pub(super) async fn check(aftermath: &Aftermath<'_>) -> Vec<Invariant> {
    let mut all = Vec::new();
    let recovery = aftermath.recovery.map_or_else(|| "never".to_owned(), |time| format!("after {time:.1?}"));
    all.push(Invariant::new("every dialect is served again by both", aftermath.recovery.is_some(), recovery));
    for (name, metric) in [
        ("no request in flight", "hub_requests_in_flight"),
        ("nothing waits in the journal", "hub_journal_entries"),
        ("no record was dropped", "hub_journal_dropped_total"),
        ("no entry of the journal was damaged", "hub_journal_corrupt_total"),
    ] {
        let mut values = Vec::new();
        for hub in &aftermath.scene.hubs {
            values.push(hub.metric(metric).await);
        }
        let is_none = values.iter().all(|value| *value == Some(0.0));
        all.push(Invariant::new(name, is_none, format!("{values:?}")));
    }
    all.push(sessions(aftermath).await);
    let open: u64 = aftermath
        .scene
        .labs
        .iter()
        .map(|lab| lab.witness().totals())
        .map(|totals| totals.answered - totals.completed - totals.cut - totals.client_gone)
        .sum();
    all.push(Invariant::new("no vendor is still answering", open == 0, open.to_string()));
    all
}

/// No session counts a request that is over.
async fn sessions(aftermath: &Aftermath<'_>) -> Invariant {
    let began = Instant::now();
    let mut first = None;
    loop {
        let mut stuck = Vec::new();
        for hub in &aftermath.scene.hubs {
            let page = Admin(hub.address).get("/sessions?limit=200").await;
            let items = page["items"].as_array().unwrap();
            stuck.extend(items.iter().filter(|session| session["in_flight"] != 0).cloned());
        }
        // What Redis was not told while it was away ends with the session.
        let at_first = *first.get_or_insert(stuck.len());
        if stuck.is_empty() || began.elapsed() > IDLE {
            let found = format!("{at_first} at first, {} after {:.0?}", stuck.len(), began.elapsed());
            return Invariant::new("no session counts a request in flight", stuck.is_empty(), found);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Memory, files and threads are about what they were after the warm-up.
pub(super) async fn processes(aftermath: &Aftermath<'_>) -> Vec<Invariant> {
    let most = |before: &Look| before.resident_kib * (100 + aftermath.plan.growth_percent) / 100;
    let is_back = |after: &[Look]| {
        let pairs = || aftermath.before.iter().zip(after);
        (
            pairs().all(|(before, after)| after.resident_kib <= most(before)),
            pairs().all(|(before, after)| after.files <= before.files + KEPT),
            pairs().all(|(before, after)| after.threads <= before.threads + 8),
        )
    };
    let began = Instant::now();
    let mut after = aftermath.scene.look();
    while is_back(&after) != (true, true, true) && began.elapsed() < IDLE {
        tokio::time::sleep(Duration::from_millis(500)).await;
        after = aftermath.scene.look();
    }
    let told = |figure: fn(&Look) -> u64, unit: &str| {
        let one = |(before, after): (&Look, &Look)| format!("{} → {}{unit}", figure(before), figure(after));
        aftermath.before.iter().zip(&after).map(one).collect::<Vec<_>>().join(", ")
    };
    let (memory, files, threads) = is_back(&after);
    vec![
        Invariant::new("memory is what it was", memory, told(|look| look.resident_kib / 1024, " MiB")),
        Invariant::new("open files are what they were", files, told(|look| look.files, "")),
        Invariant::new("threads are what they were", threads, told(|look| look.threads, "")),
    ]
}
