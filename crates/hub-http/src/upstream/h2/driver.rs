//! The task of a connection: it reads and writes for all its streams, and notices when the peer is gone.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::client::Connection;
use h2::{Ping, PingPong, Pong};
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::UNSETTLED;
use super::line::Pulse;
use crate::upstream::stream::Stream;

/// Peers send their settings first of all; one that does not is used as it is.
const SETTLING: Duration = Duration::from_secs(1);

/// Runs until the connection ends: by the peer, because nobody holds it any more, because a ping was not
/// answered, or on `stop` once nobody uses it. All streams that are left then end with an error.
pub(super) async fn drive(
    mut connection: Box<Connection<Stream, Bytes>>,
    pulse: Arc<Pulse>,
    mut gate: Option<OwnedMutexGuard<()>>,
    ping_after: Duration,
    stop: CancellationToken,
) {
    let mut pings = connection.ping_pong();
    let mut is_pinged = false;
    let mut is_stopping = false;
    let settled_by = Instant::now() + SETTLING;
    let mut next_ping = Instant::now() + ping_after;
    loop {
        let is_settled = pulse.is_settled.load(Ordering::SeqCst);
        let is_doubtful = pulse.is_doubtful.load(Ordering::SeqCst);
        tokio::select! {
            biased;
            is_over = poll_fn(|cx| poll(&mut connection, is_settled, cx)) => {
                if is_over {
                    break;
                }
                settle(&pulse, &mut gate);
            }
            pong = poll_fn(|cx| poll_pong(pings.as_mut(), cx)), if is_pinged => {
                if pong.is_err() {
                    break;
                }
                is_pinged = false;
                next_ping = Instant::now() + ping_after;
                pulse.is_doubtful.store(false, Ordering::SeqCst);
            }
            () = stop.cancelled(), if !is_stopping => {
                is_stopping = true;
                pulse.is_closed.store(true, Ordering::SeqCst);
                if pulse.is_quiet() {
                    break;
                }
            }
            () = pulse.quiet.notified(), if is_stopping => {
                if pulse.is_quiet() {
                    break;
                }
            }
            () = sleep_until(settled_by), if !is_settled => settle(&pulse, &mut gate),
            () = sleep_until(next_ping - ping_after * 4 / 5), if is_pinged && !is_doubtful => {
                pulse.is_doubtful.store(true, Ordering::SeqCst);
            }
            () = sleep_until(next_ping) => {
                if is_pinged {
                    tracing::debug!("an upstream's HTTP/2 connection is dead: a ping was not answered");
                    break;
                }
                // Nobody waits on an idle connection, so nobody minds when it dies.
                is_pinged = !pulse.is_quiet()
                    && pings.as_mut().is_some_and(|pings| pings.send_ping(Ping::opaque()).is_ok());
                next_ping = Instant::now() + ping_after;
            }
        }
    }
    pulse.is_closed.store(true, Ordering::SeqCst);
}

/// Ready with true when the connection is over, with false when the peer has told its settings.
fn poll(connection: &mut Connection<Stream, Bytes>, is_settled: bool, cx: &mut Context<'_>) -> Poll<bool> {
    if Pin::new(&mut *connection).poll(cx).is_ready() {
        return Poll::Ready(true);
    }
    // Driving it may have read them.
    let settles = !is_settled && connection.max_concurrent_send_streams() != UNSETTLED;
    if settles { Poll::Ready(false) } else { Poll::Pending }
}

fn poll_pong(pings: Option<&mut PingPong>, cx: &mut Context<'_>) -> Poll<Result<Pong, h2::Error>> {
    pings.map_or(Poll::Pending, |pings| pings.poll_pong(cx))
}

fn settle(pulse: &Pulse, gate: &mut Option<OwnedMutexGuard<()>>) {
    pulse.is_settled.store(true, Ordering::SeqCst);
    *gate = None;
}
