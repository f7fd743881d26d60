//! Watching for edits by other processes, such as `hub-admin` working on the same file.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::session::query;
use super::worker::Worker;
use crate::Topic;
use crate::sql::{Notices, Result, Value};

/// Edits are to be seen within a second.
const INTERVAL: Duration = Duration::from_millis(250);

/// `PRAGMA data_version` changes when another connection has committed; only then are the versions read.
async fn look(worker: &Worker, known: Option<i64>) -> Result<(i64, Vec<(Topic, i64)>)> {
    worker
        .run(move |connection| {
            let seen = match query(connection, "PRAGMA data_version", &[])?.first().map(Vec::as_slice) {
                Some([Value::Int(version)]) => *version,
                _ => 0,
            };
            if known == Some(seen) {
                return Ok((seen, Vec::new()));
            }
            let rows = query(connection, "SELECT topic, version FROM change_versions", &[])?;
            let versions = rows.iter().filter_map(|cells| match cells.as_slice() {
                [Value::Text(topic), Value::Int(version)] => Some((Topic::from_word(topic)?, *version)),
                _ => None,
            });
            Ok((seen, versions.collect()))
        })
        .await
}

/// Learns what is in force at start.
pub(super) async fn begin(worker: &Worker, notices: &Notices) -> Result<i64> {
    let (seen, versions) = look(worker, None).await?;
    for (topic, version) in versions {
        notices.begin(topic, version);
    }
    Ok(seen)
}

pub(super) async fn run(worker: Worker, mut known: i64, notices: Arc<Notices>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(INTERVAL) => {}
        }
        match look(&worker, Some(known)).await {
            Ok((seen, versions)) => {
                known = seen;
                for (topic, version) in versions {
                    notices.tell(topic, version);
                }
            }
            Err(error) => tracing::warn!(%error, "the database file can't be watched for edits"),
        }
    }
}
