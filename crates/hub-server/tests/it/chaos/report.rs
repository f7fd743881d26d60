//! What was done and what was found, as a table and as JSON.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::plan::Plan;
use super::storm::Deeds;
use super::talker::Sent;
use super::verdict::Invariant;
use crate::harness::Site;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Report {
    seed: u64,
    seconds: f64,
    json: Option<std::path::PathBuf>,
    done: Vec<(&'static str, u64)>,
    invariants: Vec<Invariant>,
}

impl Report {
    pub(super) fn new(
        plan: &Plan,
        deeds: &Deeds,
        sent: &[Sent],
        invariants: Vec<Invariant>,
        took: Duration,
    ) -> Self {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let of = |is_one: &dyn Fn(&Sent) -> bool| sent.iter().filter(|sent| is_one(sent)).count() as u64;
        let status = |sent: &Sent| sent.heard.as_ref().map_or(0, |heard| heard.status);
        let done = vec![
            ("requests", sent.len() as u64),
            ("answered in full", of(&|sent| sent.is_served())),
            ("left by their clients", of(&|sent| sent.has_left)),
            ("refused or failed (4xx)", of(&|sent| (400..500).contains(&status(sent)))),
            ("refused or failed (5xx)", of(&|sent| status(sent) >= 500)),
            (
                "streams that ended in an error",
                of(&|sent| !sent.has_left && status(sent) == 200 && !sent.is_served()),
            ),
            ("moods of vendors", count(&deeds.moods)),
            ("vendors gone and back", count(&deeds.vendors_gone)),
            ("connections to vendors reset", count(&deeds.connections_reset)),
            ("Redis killed", count(&deeds.redis_killed)),
            ("Redis frozen", count(&deeds.redis_frozen)),
            ("PostgreSQL killed", count(&deeds.postgres_killed)),
            ("PostgreSQL frozen", count(&deeds.postgres_frozen)),
            ("edits", count(&deeds.edits)),
            ("edits refused", count(&deeds.edits_refused)),
        ];
        Self { seed: plan.seed, seconds: took.as_secs_f64(), json: plan.json.clone(), done, invariants }
    }

    /// The hubs have ended: what they left on disk and said in their logs.
    pub(super) fn closes(&mut self, sites: &[Site]) {
        let left: usize = sites.iter().map(|site| site.journal_segments().len()).sum();
        self.invariants.push(Invariant::new("the journal is empty", left == 0, format!("{left} segments")));
        let logs: Vec<String> = sites.iter().map(Site::log).collect();
        let panics: Vec<&str> =
            logs.iter().flat_map(|log| log.lines()).filter(|line| line.contains("panicked")).collect();
        let found =
            format!("{}{}", panics.len(), panics.first().map_or_else(String::new, |it| format!(": {it}")));
        self.invariants.push(Invariant::new("no panic", panics.is_empty(), found));
    }

    pub(super) fn has_passed(&self) -> bool {
        self.invariants.iter().all(|invariant| invariant.is_held)
    }

    pub(super) fn print(&self) {
        println!("\nA storm of {:.0} s, seed {}\n", self.seconds, self.seed);
        for (what, count) in &self.done {
            println!("  {what:<34} {count:>8}");
        }
        println!();
        for invariant in &self.invariants {
            let mark = if invariant.is_held { "held  " } else { "BROKEN" };
            println!("  {mark}  {:<52} {}", invariant.name, invariant.found);
        }
        if let Some(path) = &self.json {
            std::fs::write(path, self.as_json().to_string()).unwrap();
        }
    }

    fn as_json(&self) -> Value {
        let done: serde_json::Map<String, Value> =
            self.done.iter().map(|(what, count)| ((*what).to_owned(), json!(count))).collect();
        let invariants: Vec<Value> = self
            .invariants
            .iter()
            .map(|one| json!({"name": one.name, "held": one.is_held, "found": one.found}))
            .collect();
        json!({
            "seed": self.seed, "seconds": self.seconds, "passed": self.has_passed(), "done": done,
            "invariants": invariants,
        })
    }
}
