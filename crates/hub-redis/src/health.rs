//! How the connection stands, watched by asking now and then.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::connection::Wire;
use crate::standing::Standing;

/// Whether Redis can be counted on at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedisHealth {
    /// It answered the last question in time.
    Up,
    /// It did not, or it has been too slow for the requests lately; what uses it goes on without.
    Degraded,
}

/// Asks at every interval until cancelled. One message a change, not one a question. When Redis has been too
/// slow, this question is the trial if it can be, so that no request has to be.
pub(crate) async fn watch(
    wire: Wire,
    standing: Arc<Standing>,
    interval: Duration,
    deadline: Duration,
    cancelled: CancellationToken,
) {
    while cancelled.run_until_cancelled(tokio::time::sleep(interval)).await.is_some() {
        let trial = standing.trial();
        let Some(answer) = cancelled.run_until_cancelled(wire.ping(deadline)).await else { return };
        if let Some(trial) = trial {
            trial.back(&answer);
        }
        standing.heard(&answer);
    }
}
