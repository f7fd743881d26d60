//! A running hub's own word on how it is.

use hub_management::view::StatusView;

use super::Check;
use crate::backend::{Backend, Remote};

/// What a look from outside can't tell.
const FIX: &str = "run `hub-admin doctor` on the server's machine";

/// Asks the hub.
pub(crate) async fn of_server(remote: &Remote) -> Vec<Check> {
    match remote.status().await {
        Ok(status) => checks(&status),
        Err(failure) => vec![Check::fail("server", failure.message, "is the hub running there?")],
    }
}

fn checks(status: &StatusView) -> Vec<Check> {
    let database = &status.database;
    let detail = database.version.as_deref().or(database.detail.as_deref()).unwrap_or_default();
    let mut checks = vec![by_state("database", &database.state, detail)];
    if let Some(hub) = &status.hub {
        checks.insert(0, Check::ok("server", format!("{}, {} s", hub.version, hub.uptime_seconds)));
        for store in &hub.stores {
            checks.push(by_state(&store.name, &store.state, store.detail.as_deref().unwrap_or_default()));
        }
        if let Some(journal) = hub.journal {
            checks
                .push(Check::ok("journal", format!("{} records, {} bytes", journal.entries, journal.bytes)));
        }
    }
    checks
}

fn by_state(name: &str, state: &str, detail: &str) -> Check {
    let detail = if detail.is_empty() { state.to_owned() } else { format!("{state}, {detail}") };
    match state {
        "up" => Check::ok(name, detail),
        "degraded" => Check::warn(name, detail, FIX),
        _ => Check::fail(name, detail, FIX),
    }
}
