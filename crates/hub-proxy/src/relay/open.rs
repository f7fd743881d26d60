//! An answer that has not ended: whose it is, and what is read off it.

use hub_formats::convert::LossReport;
use hub_formats::tap::{TapReport, UsageTap};
use hub_types::{ErrorClass, Outcome};

use crate::ProxyError;
use crate::attempt::Underway;
use crate::bill::Bill;
use crate::breaker::Judgement;
use crate::docket::Docket;

/// What is read off an answer, and who is charged for it.
pub(crate) struct Reading {
    pub(super) tap: UsageTap,
    pub(super) bill: Bill,
}

impl Reading {
    pub(super) fn read(&mut self, underway: &mut Underway, piece: &[u8]) {
        let had_content = self.tap.content_seen();
        self.tap.push(piece);
        if !had_content && self.tap.content_seen() {
            underway.record.timings.first_content_us = Some(underway.elapsed_us());
        }
    }

    /// Writes on the attempt what the answer used, as far as it was read. The id of the answer comes back.
    pub(super) fn charge(self, underway: &mut Underway) -> Option<String> {
        let report = self.tap.finish();
        note_reported_error(&report, &mut underway.record.error);
        self.bill.charge(&report, &mut underway.record);
        report.response_id
    }
}

/// What is needed until the docket is closed.
pub(super) struct Open {
    pub(super) docket: Docket,
    pub(super) underway: Underway,
    pub(super) reading: Reading,
    pub(super) status: u16,
}

impl Open {
    pub(super) fn read(&mut self, piece: &[u8]) {
        self.reading.read(&mut self.underway, piece);
    }

    /// What of the answer could not be carried comes to what of the request could not.
    pub(super) fn lost(&mut self, losses: Option<&LossReport>) {
        let known = &mut self.underway.loss;
        for loss in losses.into_iter().flat_map(LossReport::iter) {
            let code = loss.code.to_string();
            if !known.contains(&code) {
                known.push(code);
            }
        }
    }

    /// Closes the docket. `broken` is who broke the answer off, if it is not whole.
    pub(super) fn close(self, broken: Option<BrokenOff>) {
        let Self { mut docket, mut underway, reading, status } = self;
        underway.record.class = broken.and_then(BrokenOff::class);
        let answer_id = reading.charge(&mut underway);
        underway.judge(match broken {
            Some(BrokenOff::Hub) => Judgement::Nothing,
            _ => Judgement::of(docket.shared(), underway.record.class),
        });
        docket.conclude(underway);
        if let Some(ticket) = docket.ticket() {
            ticket.answered_as(answer_id);
        }
        docket.record().error_code = broken.map(|broken| broken.code().to_owned());
        docket.close(broken.map_or(Outcome::Completed, BrokenOff::outcome), status);
    }
}

/// Who did not see an answer through.
#[derive(Debug, Clone, Copy)]
pub(super) enum BrokenOff {
    Upstream(ErrorClass),
    /// The drain time is over: nothing to hold against the provider.
    Hub,
}

impl BrokenOff {
    const fn outcome(self) -> Outcome {
        match self {
            Self::Upstream(_) => Outcome::UpstreamTruncated,
            Self::Hub => Outcome::Interrupted,
        }
    }

    const fn class(self) -> Option<ErrorClass> {
        match self {
            Self::Upstream(class) => Some(class),
            Self::Hub => None,
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Upstream(_) => self.outcome().as_str(),
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
