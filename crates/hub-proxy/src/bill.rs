//! Step 10, the money side: from what an answer said it used to what is written on the attempt.

use std::sync::Arc;

use hub_formats::estimate;
use hub_formats::tap::TapReport;
use hub_types::{Attempt, Endpoint, Usage, UsageSource};

use crate::Catalogue;

/// What has to be known to price an answer.
pub(crate) struct Bill {
    catalogue: Arc<Catalogue>,
    endpoint: Endpoint,
    model: String,
    /// Of what was sent: where nobody reports the input, it is estimated by this.
    sample: Box<[u8]>,
    sent_bytes: u64,
}

/// Enough of a body to tell its kind of text.
const SAMPLE_BYTES: usize = 512;

impl Bill {
    /// `model` is the one that is billed, `body` what was sent.
    pub(crate) fn new(catalogue: &Arc<Catalogue>, endpoint: Endpoint, model: &str, body: &[u8]) -> Self {
        Self {
            catalogue: Arc::clone(catalogue),
            endpoint,
            model: model.to_owned(),
            sample: sample(body).into(),
            sent_bytes: body.len() as u64,
        }
    }

    /// Writes usage and cost on the attempt.
    pub(crate) fn charge(&self, report: &TapReport, attempt: &mut Attempt) {
        attempt.upstream_model.clone_from(&report.upstream_model);
        if !self.endpoint.is_billable() {
            return;
        }
        let Some((usage, source)) = self.usage(report) else { return };
        attempt.usage = Some(usage);
        attempt.usage_source = Some(source);
        if let Some(priced) =
            self.catalogue.price(&self.model, &usage, attempt.provider_multiplier, attempt.group_multiplier)
        {
            attempt.cost = Some(priced.total);
            attempt.cost_breakdown = Some(priced.breakdown);
            attempt.price_version = Some(priced.version);
        }
    }

    /// What the upstream reported or, where it could not, an estimate that says so.
    fn usage(&self, report: &TapReport) -> Option<(Usage, UsageSource)> {
        let written = report.output_text.tokens();
        match report.usage {
            Some(reported)
                if report.completed || reported.output >= written || self.endpoint == Endpoint::Other =>
            {
                Some((reported, UsageSource::Reported))
            }
            // Cut off before the final figure: the input is known, of the output only what was seen.
            Some(reported) => Some((Usage { output: written, ..reported }, UsageSource::Estimated)),
            None if report.content_seen && self.endpoint == Endpoint::Generate => {
                let usage = Usage { input: self.input_estimate(), output: written, ..Usage::default() };
                Some((usage, UsageSource::Estimated))
            }
            // An error, or nothing at all: nobody pays for that.
            None => None,
        }
    }

    fn input_estimate(&self) -> u64 {
        match self.sample.len() as u64 {
            0 => 0,
            length => estimate::tokens_in(&self.sample) * self.sent_bytes / length,
        }
    }
}

/// The middle of it.
fn sample(body: &[u8]) -> &[u8] {
    let from = body.len().saturating_sub(SAMPLE_BYTES) / 2;
    body.get(from..(from + SAMPLE_BYTES).min(body.len())).unwrap_or_default()
}
