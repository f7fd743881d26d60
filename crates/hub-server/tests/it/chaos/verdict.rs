//! What has to hold when a storm is over. Each check says what it found, and none stops the others.

mod books;
mod remains;

use hub_types::Money;
use serde_json::Value;

use super::storm::Aftermath;

/// Something that has to hold.
#[derive(Debug)]
pub(super) struct Invariant {
    pub(super) name: &'static str,
    pub(super) is_held: bool,
    pub(super) found: String,
}

impl Invariant {
    pub(super) fn new(name: &'static str, is_held: bool, found: impl Into<String>) -> Self {
        Self { name, is_held, found: found.into() }
    }

    /// Held if there is nothing in the list; else the first ones are shown.
    fn none<T: std::fmt::Debug>(name: &'static str, of: usize, wrong: &[T]) -> Self {
        let first: Vec<String> = wrong.iter().take(3).map(|one| format!("{one:?}")).collect();
        let found = if wrong.is_empty() {
            format!("{of} looked at")
        } else {
            format!("{} of {of}: {}", wrong.len(), first.join(" | "))
        };
        Self::new(name, wrong.is_empty(), found)
    }
}

pub(super) async fn judge(aftermath: &Aftermath<'_>) -> Vec<Invariant> {
    // To read all books takes memory, too: the processes are looked at before.
    let processes = remains::processes(aftermath).await;
    let mut all = remains::check(aftermath).await;
    all.extend(books::check(aftermath).await);
    all.extend(processes);
    all
}

fn text<'v>(row: &'v Value, field: &str) -> &'v str {
    row[field].as_str().unwrap_or_default()
}

fn money(row: &Value, field: &str) -> Option<Money> {
    row[field].as_str()?.parse().ok()
}
