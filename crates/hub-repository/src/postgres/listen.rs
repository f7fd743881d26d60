//! Listening for edits by other processes.
//!
//! Notices come by `NOTIFY`. Since a broken connection loses them, versions are compared after each connect
//! and every 30 s besides.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connect::Target;
use super::translate;
use crate::sql::{Notices, Result};
use crate::{RepositoryError, Topic};

pub(super) const CHANNEL: &str = "hub_changes";
const COMPARE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(200);
const MAX_PAUSE: Duration = Duration::from_secs(5);
const QUEUE: usize = 64;

struct Listener {
    client: Client,
    notified: mpsc::Receiver<String>,
}

/// Learns what is in force, and listens from then on.
pub(super) async fn start(
    target: Target,
    notices: Arc<Notices>,
    tasks: &TaskTracker,
    stop: CancellationToken,
) -> Result<()> {
    let listener = connect(&target, tasks).await?;
    for (topic, version) in versions(&target, &listener.client).await? {
        notices.begin(topic, version);
    }
    tasks.spawn(run(target, listener, notices, tasks.clone(), stop));
    Ok(())
}

async fn connect(target: &Target, tasks: &TaskTracker) -> Result<Listener> {
    let (sender, notified) = mpsc::channel(QUEUE);
    let (client, driver) = target.connect(sender).await?;
    // Ends when the client is dropped or the connection breaks.
    tasks.spawn(driver);
    let listen = format!("LISTEN {CHANNEL}");
    within(target, client.batch_execute(&listen)).await?;
    Ok(Listener { client, notified })
}

async fn run(
    target: Target,
    first: Listener,
    notices: Arc<Notices>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let mut listener = Some(first);
    let mut pause = PAUSE;
    loop {
        let work = async {
            let current = match listener.take() {
                Some(listener) => listener,
                None => connect(&target, &tasks).await?,
            };
            pause = PAUSE;
            listen(&target, current, &notices).await
        };
        let outcome: Result<()> = tokio::select! {
            () = stop.cancelled() => return,
            outcome = work => outcome,
        };
        if let Err(error) = outcome {
            tracing::warn!(%error, "change notices are interrupted: connecting again");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(pause) => pause = (pause * 2).min(MAX_PAUSE),
        }
    }
}

/// Listens until the connection breaks.
async fn listen(target: &Target, mut listener: Listener, notices: &Notices) -> Result<()> {
    loop {
        for (topic, version) in versions(target, &listener.client).await? {
            notices.tell(topic, version);
        }
        let compare = sleep(COMPARE);
        tokio::pin!(compare);
        loop {
            tokio::select! {
                () = &mut compare => break,
                notified = listener.notified.recv() => match notified {
                    Some(payload) => {
                        if let Some((topic, version)) = parse(&payload) {
                            notices.tell(topic, version);
                        }
                    }
                    None => return Err(RepositoryError::Unavailable("the listening connection broke".to_owned())),
                },
            }
        }
    }
}

fn parse(payload: &str) -> Option<(Topic, i64)> {
    let (topic, version) = payload.split_once(' ')?;
    Some((Topic::from_word(topic)?, version.parse().ok()?))
}

async fn versions(target: &Target, client: &Client) -> Result<Vec<(Topic, i64)>> {
    let rows = within(target, client.query("SELECT topic, version FROM change_versions", &[])).await?;
    Ok(rows
        .iter()
        .filter_map(|row| {
            let topic: String = row.try_get(0).ok()?;
            Some((Topic::from_word(&topic)?, row.try_get(1).ok()?))
        })
        .collect())
}

async fn within<T>(
    target: &Target,
    work: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
) -> Result<T> {
    timeout(target.deadline(), work)
        .await
        .map_err(|_| RepositoryError::Unavailable("no answer in time".to_owned()))?
        .map_err(translate)
}
