//! What a request is expected to cost, before it is sent: what budgets reserve for it.
//!
//! Two figures, for the two modes of budgets. The likely one is the price of the estimated input and of an answer
//! as long as this model's usual ones. The worst one is what the request will not exceed: twice the estimated
//! input at its dearest rate, and the longest answer that it allows. docs/limits.md says why it is twice and not
//! a token a byte.
//!
//! What the session's previous request really used corrects both, and tells what the vendor has in its cache.

mod input;
mod previous;
mod quantile;
#[cfg(test)]
mod tests;

use std::time::Duration;

use hub_formats::estimate::{Tokenizer, tokens_in_body};
use hub_formats::scan::RequestFacts;
use hub_pricing::{Price, cost};
use hub_types::{Dialect, Money, Multiplier, ServiceTier, Usage};
use smallvec::SmallVec;

pub(crate) use previous::{Previous, Thread};
pub(crate) use quantile::OutputQuantile;

/// The longest answer of a model of which nothing is known, in tokens.
const LONGEST_ANSWER: u64 = 131_072;
/// The Responses dialect knows no lower bound of an answer's length: requests that are converted to it are given
/// this one.
const LEAST_BOUND: u64 = 16;

/// What a request takes from budgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Expected {
    /// Its cost; nothing if the model has no known price.
    pub(crate) money: Money,
    /// Tokens in and out.
    pub(crate) tokens: u64,
}

/// Both figures, and what the next request of the session needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Expectation {
    /// What it will probably take.
    pub(crate) likely: Expected,
    /// What it can take at most.
    pub(crate) worst: Expected,
    /// The input by the body alone, before any correction: [`LastRequest::estimated`] of the next request.
    pub(crate) estimated_input: u64,
}

/// The previous request of the same session to the same model, if its usage was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LastRequest {
    /// [`Expectation::estimated_input`] of it.
    pub(crate) estimated: u64,
    /// What it used.
    pub(crate) used: Usage,
    /// How long ago it ended: caches are kept for a while only.
    pub(crate) age: Duration,
}

/// All that bears on the cost of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    /// The dialect of the body.
    pub(crate) dialect: Dialect,
    /// The model that is billed.
    pub(crate) model: &'a str,
    /// The request.
    pub(crate) body: &'a [u8],
    /// What its scan found.
    pub(crate) facts: &'a RequestFacts,
    /// What the model costs wherever the request may go: it is reckoned with the dearest.
    pub(crate) rates: &'a [Rate<'a>],
    /// The session's previous request.
    pub(crate) last: Option<LastRequest>,
}

/// What a model costs at a provider.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate<'a> {
    /// The model's price, if it has one.
    pub(crate) price: Option<&'a Price>,
    /// The provider's multiplier.
    pub(crate) provider: Multiplier,
    /// The group's multiplier.
    pub(crate) group: Multiplier,
}

/// Those of all providers in question.
pub(crate) type Rates<'a> = SmallVec<[Rate<'a>; 4]>;

/// What the request is expected to take.
pub(crate) fn expect(question: &Question<'_>, outputs: &OutputQuantile) -> Expectation {
    let Question { dialect, model, body, facts, rates, last, .. } = *question;
    let tokens = tokens_in_body(dialect, Tokenizer::of_model(dialect, model), body, &facts.conversation);
    let (estimated_input, at_most) = (tokens.likely(), tokens.at_most());
    let continues = facts.previous_response_id.is_some();
    let answers = facts.answers.unwrap_or(1).max(1);
    let likely_input = input::likely(dialect, estimated_input, continues, last.as_ref());
    let worst_input = input::worst(dialect, body, at_most, continues, last.as_ref(), &likely_input);

    let tier = facts.service_tier.unwrap_or_default();
    let unknown = [Rate { price: None, provider: Multiplier::ONE, group: Multiplier::ONE }];
    let rates = if rates.is_empty() { &unknown } else { rates };
    let mut found = Expectation { estimated_input, ..Expectation::default() };
    for rate in rates {
        let longest = asked_for(facts).or_else(|| rate.price.and_then(|price| price.max_output));
        let likely = Usage { output: outputs.expect(model, longest).saturating_mul(answers), ..likely_input };
        let most = longest.unwrap_or(LONGEST_ANSWER).saturating_mul(answers);
        let worst = Usage { output: most.max(likely.output), ..worst_input };
        found.likely.raise(rate.taken(&likely, tier));
        // Whoever asks for a cheaper tier may be served in the usual one.
        found.worst.raise(rate.taken(&worst, tier));
        found.worst.raise(rate.taken(&worst, ServiceTier::Standard));
    }
    found
}

/// The longest answer that the request allows. A bound of none at all is one that vendors refuse, or don't heed.
fn asked_for(facts: &RequestFacts) -> Option<u64> {
    facts.max_tokens.filter(|most| *most > 0).map(|most| most.max(LEAST_BOUND))
}

impl Expected {
    /// At least this, in each part.
    fn raise(&mut self, other: Self) {
        self.money = self.money.max(other.money);
        self.tokens = self.tokens.max(other.tokens);
    }
}

impl Rate<'_> {
    /// Does the other one cost the same?
    pub(crate) fn is(&self, other: &Self) -> bool {
        let is_same_price = match (self.price, other.price) {
            (Some(one), Some(other)) => std::ptr::eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        is_same_price && (self.provider, self.group) == (other.provider, other.group)
    }

    fn taken(&self, usage: &Usage, tier: ServiceTier) -> Expected {
        let Self { price, provider, group } = *self;
        let money = price.map_or(Money::ZERO, |price| cost(price, usage, provider, group, tier).total);
        Expected { money, tokens: usage.total() }
    }
}
