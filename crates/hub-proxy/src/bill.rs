//! Step 10, the money side: from what an answer said it used to what is written on the attempt.

use std::sync::Arc;

use hub_formats::estimate::{Tokenizer, tokens_in_body};
use hub_formats::tap::TapReport;
use hub_types::{Attempt, Endpoint, ServiceTier, Usage, UsageSource};

use crate::Catalogue;
use crate::receive::Received;

/// What has to be known to price an answer.
pub(crate) struct Bill {
    catalogue: Arc<Catalogue>,
    endpoint: Endpoint,
    model: String,
    /// Of what was sent, as far as nobody reports it.
    input_estimate: u64,
    /// What was asked for; the answer may know better.
    service_tier: Option<ServiceTier>,
    /// The longest answer that the request allows.
    most_output: u64,
}

impl Bill {
    /// `model` is the one that is billed.
    pub(crate) fn new(catalogue: &Arc<Catalogue>, received: &Received, model: &str) -> Self {
        let facts = &received.facts;
        let bound = facts.max_tokens.filter(|most| *most > 0).unwrap_or(u64::MAX);
        Self {
            catalogue: Arc::clone(catalogue),
            endpoint: received.call.endpoint,
            model: model.to_owned(),
            input_estimate: 0,
            service_tier: facts.service_tier,
            most_output: bound.saturating_mul(facts.answers.unwrap_or(1).max(1)),
        }
    }

    /// An answer has begun that did not say how much was read: it may never do. What budgets reckoned with is
    /// better than a guess by the length, which takes pictures for text.
    pub(crate) fn reckon(&mut self, received: &Received, known: u64) {
        if self.endpoint != Endpoint::Generate {
            return;
        }
        let call = &received.call;
        self.input_estimate = match known {
            0 => {
                let tokenizer = Tokenizer::of_model(call.dialect, &call.model);
                let spans = &received.facts.conversation;
                tokens_in_body(call.dialect, tokenizer, &received.body, spans).likely()
            }
            known => known,
        };
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
        let (provider, group) = (attempt.provider_multiplier, attempt.group_multiplier);
        let tier = report.service_tier.or(self.service_tier).unwrap_or_default();
        if let Some(priced) = self.catalogue.price(&self.model, &usage, provider, group, tier) {
            attempt.cost = Some(priced.total);
            attempt.cost_breakdown = Some(priced.breakdown);
            attempt.price_version = Some(priced.version);
        }
    }

    /// What the upstream reported or, where it could not, an estimate that says so.
    fn usage(&self, report: &TapReport) -> Option<(Usage, UsageSource)> {
        let written = report.output_text.tokens().min(self.most_output);
        match report.usage {
            Some(reported)
                if report.completed || reported.output >= written || self.endpoint == Endpoint::Other =>
            {
                Some((reported, UsageSource::Reported))
            }
            // Cut off before the final figure: the input is known, of the output only what was seen.
            Some(reported) => Some((Usage { output: written, ..reported }, UsageSource::Estimated)),
            None if report.content_seen && self.endpoint == Endpoint::Generate => {
                let usage = Usage { input: self.input_estimate, output: written, ..Usage::default() };
                Some((usage, UsageSource::Estimated))
            }
            // An error, or nothing at all: nobody pays for that.
            None => None,
        }
    }
}
