//! What becomes of an answer whose client has left.

use std::time::Duration;

use hub_http::UpstreamBody;
use hub_types::ClientAbortPolicy;

use super::Relay;
use super::open::{BrokenOff, Open};

const DRAIN_TIME: Duration = Duration::from_secs(60);
const DRAIN_BYTES: usize = 1 << 20;

impl Drop for Relay {
    /// The client is gone. What the request used is still worth knowing: it was paid for.
    fn drop(&mut self) {
        self.close_transcript();
        let (Some(mut open), Some(body)) = (self.open.take(), self.body.take()) else { return };
        if !open.tap.content_seen()
            && let Some(ticket) = open.docket.ticket()
        {
            ticket.left_early();
        }
        let has_runtime = tokio::runtime::Handle::try_current().is_ok();
        if self.on_client_abort == ClientAbortPolicy::Drain
            && has_runtime
            && !self.shared.cut_off.is_cancelled()
        {
            let cut_off = self.shared.cut_off.clone();
            self.shared.tasks.spawn(async move {
                let mut open = open;
                let drained = drain(body, &mut open);
                tokio::select! {
                    () = drained => {}
                    () = tokio::time::sleep(DRAIN_TIME) => {}
                    () = cut_off.cancelled() => {}
                }
                open.close(Some(BrokenOff::Client));
            });
        } else {
            open.close(Some(BrokenOff::Client));
        }
    }
}

async fn drain(mut body: UpstreamBody, open: &mut Open) {
    let mut left = DRAIN_BYTES;
    while let Some(Ok(piece)) = body.next().await {
        open.read(&piece);
        left = left.saturating_sub(piece.len());
        if left == 0 || open.tap.terminal_seen() {
            return;
        }
    }
}
