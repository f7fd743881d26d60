//! How the connection stands, watched by asking now and then.

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::connection::Wire;

/// Whether Redis can be counted on at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedisHealth {
    /// It answered the last question in time.
    Up,
    /// It did not; what uses it goes on without.
    Degraded,
}

/// Asks at every interval until cancelled. One message a change, not one a question.
pub(crate) async fn watch(
    wire: Wire,
    state: watch::Sender<RedisHealth>,
    interval: Duration,
    deadline: Duration,
    cancelled: CancellationToken,
) {
    while cancelled.run_until_cancelled(tokio::time::sleep(interval)).await.is_some() {
        let Some(answer) = cancelled.run_until_cancelled(wire.ping(deadline)).await else { return };
        let now = if answer.is_ok() { RedisHealth::Up } else { RedisHealth::Degraded };
        let changed = state.send_if_modified(|state| std::mem::replace(state, now) != now);
        match answer {
            _ if !changed => {}
            Ok(()) => info!("Redis answers again"),
            Err(error) => warn!(%error, "Redis does not answer: going on without it"),
        }
    }
}
