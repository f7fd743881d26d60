//! What becomes of answers whose client has left.

use std::time::Duration;

use hub_http::UpstreamBody;
use hub_types::{ClientAbortPolicy, ErrorClass, Outcome};

use super::Relay;
use super::open::{Open, Reading};
use crate::attempt::Underway;
use crate::docket::Docket;

const DRAIN_TIME: Duration = Duration::from_secs(60);
const DRAIN_BYTES: usize = 1 << 20;

/// What a client that left before there was a status gets on its record.
const NO_STATUS: u16 = 499;

/// An attempt whose client has left.
pub(crate) struct Left {
    pub(crate) underway: Underway,
    /// Its answer, if that has begun.
    pub(crate) answer: Option<(UpstreamBody, Reading)>,
}

/// A request whose client has left. What its attempts used is still worth knowing: it was paid for. The docket
/// is closed when this is dropped.
pub(crate) struct Leaving {
    docket: Docket,
    left: Vec<Left>,
}

impl Leaving {
    /// Reads the answers on where their providers' policy says so, and hangs up on the others.
    pub(crate) fn begin(docket: Docket, left: Vec<Left>) {
        let mut leaving = Self { docket, left };
        let had_content = |left: &Left| left.answer.as_ref().is_some_and(|(_, read)| read.tap.content_seen());
        if !leaving.left.iter().any(had_content)
            && let Some(ticket) = leaving.docket.ticket()
        {
            ticket.left_early();
        }
        let shared = leaving.docket.shared().clone();
        let may_drain = tokio::runtime::Handle::try_current().is_ok() && !shared.cut_off.is_cancelled();
        if !(may_drain && leaving.left.iter().any(Left::is_to_be_drained)) {
            return;
        }
        let cut_off = shared.cut_off.clone();
        shared.tasks.spawn(async move {
            let mut leaving = leaving;
            tokio::select! {
                () = leaving.drain() => {}
                () = tokio::time::sleep(DRAIN_TIME) => {}
                () = cut_off.cancelled() => {}
            }
        });
    }

    async fn drain(&mut self) {
        let mut left = self.left.iter_mut();
        tokio::join!(drain(left.next()), drain(left.next()));
    }
}

impl Left {
    fn is_to_be_drained(&self) -> bool {
        self.answer.is_some() && self.underway.upstream.provider.on_client_abort == ClientAbortPolicy::Drain
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        let mut status = NO_STATUS;
        for Left { mut underway, answer } in std::mem::take(&mut self.left) {
            underway.record.class = Some(ErrorClass::ClientAbort);
            if let Some((body, reading)) = answer {
                drop(body);
                status = underway.record.status.unwrap_or(status);
                let answer_id = reading.charge(&mut underway);
                if let Some(ticket) = self.docket.ticket() {
                    ticket.answered_as(answer_id);
                }
            }
            self.docket.conclude(underway);
        }
        let left = || Outcome::ClientAborted.as_str().to_owned();
        self.docket.record().error_code.get_or_insert_with(left);
        self.docket.close(Outcome::ClientAborted, status);
    }
}

impl Drop for Relay {
    /// The client is gone.
    fn drop(&mut self) {
        self.close_transcript();
        let (Some(open), Some(body)) = (self.open.take(), self.body.take()) else { return };
        let Open { docket, underway, reading, .. } = open;
        let left = Left { underway, answer: Some((body, reading)) };
        Leaving::begin(docket, vec![left]);
    }
}

async fn drain(left: Option<&mut Left>) {
    let Some(left) = left.filter(|left| left.is_to_be_drained()) else { return };
    let Left { underway, answer: Some((body, reading)) } = left else { return };
    let mut room = DRAIN_BYTES;
    while let Some(Ok(piece)) = body.next().await {
        reading.read(underway, &piece);
        room = room.saturating_sub(piece.len());
        if room == 0 || reading.tap.terminal_seen() {
            return;
        }
    }
}
