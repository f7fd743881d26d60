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
use hub_pricing::{Price, Tier, cost};
use hub_types::{Dialect, Money, Multiplier, Usage};

pub(crate) use previous::{Previous, Thread};
pub(crate) use quantile::OutputQuantile;

/// The longest answer of a model of which nothing is known, in tokens.
const LONGEST_ANSWER: u64 = 131_072;

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
    /// The model's price, if it has one.
    pub(crate) price: Option<&'a Price>,
    /// The provider's multiplier. Before a provider is chosen: the highest of those in question.
    pub(crate) provider: Multiplier,
    /// The group's multiplier.
    pub(crate) group: Multiplier,
    /// The tier that is billed.
    pub(crate) tier: Tier,
    /// The session's previous request.
    pub(crate) last: Option<LastRequest>,
}

/// What the request is expected to take.
pub(crate) fn expect(question: &Question<'_>, outputs: &OutputQuantile) -> Expectation {
    let Question { dialect, model, body, facts, price, last, .. } = *question;
    let tokens = tokens_in_body(dialect, Tokenizer::of_model(dialect, model), body, &facts.conversation);
    let (estimated_input, at_most) = (tokens.likely(), tokens.at_most());
    let continues = facts.previous_response_id.is_some();
    let answers = facts.answers.unwrap_or(1).max(1);
    let longest = facts.max_tokens.or_else(|| price.and_then(|price| price.max_output));

    let likely = Usage {
        output: outputs.expect(model, longest).saturating_mul(answers),
        ..input::likely(dialect, estimated_input, continues, last.as_ref())
    };
    let worst = Usage {
        output: longest.unwrap_or(LONGEST_ANSWER).saturating_mul(answers).max(likely.output),
        ..input::worst(dialect, body, at_most, continues, last.as_ref(), &likely)
    };
    Expectation { likely: question.taken(&likely), worst: question.taken(&worst), estimated_input }
}

impl Question<'_> {
    fn taken(&self, usage: &Usage) -> Expected {
        let money = self
            .price
            .map_or(Money::ZERO, |price| cost(price, usage, self.provider, self.group, self.tier).total);
        Expected { money, tokens: usage.total() }
    }
}
