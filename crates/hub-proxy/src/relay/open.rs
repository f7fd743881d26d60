//! An answer that has not ended: its docket, and what is read off it.

use hub_formats::tap::{TapReport, UsageTap};
use hub_types::{ErrorClass, Outcome};

use crate::ProxyError;
use crate::bill::Bill;
use crate::docket::Docket;

/// What is needed until the docket is closed.
pub(super) struct Open {
    pub(super) docket: Docket,
    pub(super) tap: UsageTap,
    pub(super) bill: Bill,
    pub(super) status: u16,
}

impl Open {
    pub(super) fn read(&mut self, piece: &[u8]) {
        let had_content = self.tap.content_seen();
        self.tap.push(piece);
        if !had_content && self.tap.content_seen() {
            let elapsed = self.docket.elapsed_us();
            self.docket.record().timings.first_content_us = Some(elapsed);
            if let Some(attempt) = self.docket.last_attempt() {
                attempt.timings.first_content_us = Some(elapsed);
            }
        }
    }

    /// Closes the docket. `broken` is who broke the answer off, if it is not whole.
    pub(super) fn close(mut self, broken: Option<BrokenOff>) {
        let report = self.tap.finish();
        if let Some(attempt) = self.docket.last_attempt() {
            attempt.class = broken.and_then(BrokenOff::class);
            note_reported_error(&report, &mut attempt.error);
            self.bill.charge(&report, attempt);
        }
        if let Some(ticket) = self.docket.ticket() {
            ticket.answered_as(report.response_id);
        }
        self.docket.record().error_code = broken.map(|broken| broken.code().to_owned());
        self.docket.close(broken.map_or(Outcome::Completed, BrokenOff::outcome), self.status);
    }
}

/// Who did not see an answer through.
#[derive(Debug, Clone, Copy)]
pub(super) enum BrokenOff {
    Upstream(ErrorClass),
    Client,
    /// The drain time is over: nothing to hold against the provider.
    Hub,
}

impl BrokenOff {
    const fn outcome(self) -> Outcome {
        match self {
            Self::Upstream(_) => Outcome::UpstreamTruncated,
            Self::Client => Outcome::ClientAborted,
            Self::Hub => Outcome::Interrupted,
        }
    }

    const fn class(self) -> Option<ErrorClass> {
        match self {
            Self::Upstream(class) => Some(class),
            Self::Client => Some(ErrorClass::ClientAbort),
            Self::Hub => None,
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Upstream(_) | Self::Client => self.outcome().as_str(),
            Self::Hub => ProxyError::ShuttingDown.code(),
        }
    }
}

fn note_reported_error(report: &TapReport, error: &mut Option<String>) {
    if let (Some(reported), None) = (&report.error, &error) {
        let kind = reported.kind.as_deref().or(reported.code.as_deref()).unwrap_or("error");
        // The kind is a word of the vendor's protocol; its free text may hold anything and is not kept.
        *error = Some(format!("the upstream reported {}", kind.chars().take(100).collect::<String>()));
    }
}
