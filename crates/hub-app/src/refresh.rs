//! Keeping the directory up to date with the edits of this and of other instances.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use hub_repository::{Change, Topic};

use crate::directory::RepositoryDirectory;

/// Runs until `stop`. Edits that come in a burst cause one reload.
pub(crate) async fn run(
    directory: Arc<RepositoryDirectory>,
    mut changes: Receiver<Change>,
    stop: CancellationToken,
) {
    loop {
        let change = tokio::select! {
            () = stop.cancelled() => return,
            change = changes.recv() => change,
        };
        let mut topics = match change {
            Ok(change) => vec![change.topic],
            Err(RecvError::Lagged(_)) => vec![Topic::Access, Topic::Catalogue],
            Err(RecvError::Closed) => return,
        };
        while let Ok(change) = changes.try_recv() {
            topics.push(change.topic);
        }
        if topics.contains(&Topic::Access) {
            directory.forget_callers();
        }
        if topics.contains(&Topic::Catalogue) {
            tokio::select! {
                () = stop.cancelled() => return,
                () = reload(&directory) => {}
            }
        }
    }
}

/// Tries until it works: the edit is made, and this instance must not go on without it for ever.
async fn reload(directory: &RepositoryDirectory) {
    let mut pause = Duration::from_millis(100);
    while let Err(error) = directory.reload_catalogue().await {
        tracing::warn!(%error, "the catalogue could not be loaded: the present one stays in use for now");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}
