//! How many tokens a text has, roughly: for what a request may cost before it is sent, and for what it did cost
//! when its upstream never said.
//!
//! Every vendor cuts text by a vocabulary of its own, but they cut in the same places: a word is a token or two,
//! a number, a mark or a line break is another, an ideograph about one. So a text is reduced to counts of
//! such features in one pass, and each [`Tokenizer`] weighs them its own way. The weights were
//! fitted to real tokenizers; `tests/it/estimate.rs` holds them against samples that the fit never saw.
//! An estimate is always marked as one.

mod blob;
mod body;
mod count;
mod features;
mod find;
mod tally;
mod tokenizer;
mod walk;
mod weights;

pub use body::{BodyTokens, tokens_in_body};
pub use count::TextCount;
pub use tokenizer::Tokenizer;

/// Estimated tokens of a text, whoever cuts it: as the most common tokenizer would.
pub fn tokens_in(text: &[u8]) -> u64 {
    TextCount::of(text).tokens()
}

#[cfg(test)]
mod tests;
