//! Counting the features of a text, in pieces or at once.

use super::features::{FEATURES, features_of, pair};
use super::tokenizer::Tokenizer;
use super::weights::{MILLI, weights};

/// The byte that is taken to stand before a text.
const NOTHING: u8 = 0;
/// Texts from this length on are counted by pairs first: a table of them has to be set up and gone through.
const LONG: usize = 128;
/// Bytes that are counted before the 32-bit counters are emptied.
const BLOCK: usize = 1 << 20;

/// What a text is made of, as far as tokenizers care. Counts of pieces add up to that of the whole text,
/// wherever it was cut, even inside a word or a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TextCount {
    features: [u64; FEATURES],
    bytes: u64,
    first: u8,
    last: u8,
}

impl TextCount {
    /// Counts a text.
    pub fn of(text: &[u8]) -> Self {
        let (Some(&first), Some(&last)) = (text.first(), text.last()) else { return Self::default() };
        let mut count = Self { bytes: text.len() as u64, first, last, ..Self::default() };
        count.note(pair(NOTHING, first), 1);
        if text.len() < LONG {
            for window in text.windows(2) {
                if let &[before, byte] = window {
                    count.note(pair(before, byte), 1);
                }
            }
            return count;
        }
        // Neighbouring blocks share a byte: the last of one is the one before the next.
        let mut rest = text;
        while rest.len() > 1 {
            let block = rest.get(..=BLOCK).unwrap_or(rest);
            count.note_block(block);
            rest = rest.get(block.len() - 1..).unwrap_or_default();
        }
        count
    }

    /// Two tables, so that a run of the same pair does not wait for its own counter each time.
    fn note_block(&mut self, block: &[u8]) {
        let mut pairs = [[0_u32; 256]; 2];
        let [even, odd] = &mut pairs;
        let Some((&first, rest)) = block.split_first() else { return };
        let mut before = first;
        let mut twos = rest.chunks_exact(2);
        for two in &mut twos {
            if let &[one, other] = two {
                even[usize::from(pair(before, one))] += 1;
                odd[usize::from(pair(one, other))] += 1;
                before = other;
            }
        }
        for &byte in twos.remainder() {
            even[usize::from(pair(before, byte))] += 1;
        }
        for index in 0..=u8::MAX {
            let times = u64::from(even[usize::from(index)]) + u64::from(odd[usize::from(index)]);
            if times > 0 {
                self.note(index, times);
            }
        }
    }

    fn note(&mut self, pair: u8, times: u64) {
        for feature in features_of(pair) {
            self.features[feature] = self.features[feature].saturating_add(times);
        }
    }

    /// Adds the piece that follows.
    pub fn add(&mut self, next: Self) {
        if next.is_empty() {
            return;
        }
        if self.is_empty() {
            *self = next;
            return;
        }
        for (sum, more) in self.features.iter_mut().zip(next.features) {
            *sum = sum.saturating_add(more);
        }
        // The piece was counted as if nothing stood before it.
        for feature in features_of(pair(NOTHING, next.first)) {
            self.features[feature] = self.features[feature].saturating_sub(1);
        }
        self.note(pair(self.last, next.first), 1);
        self.bytes = self.bytes.saturating_add(next.bytes);
        self.last = next.last;
    }

    /// The text is empty.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// The text's length.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The estimate for the most common tokenizer, see [`Self::tokens_by`].
    pub fn tokens(&self) -> u64 {
        self.tokens_by(Tokenizer::default())
    }

    /// The estimate, rounded up: a text that is not empty has at least one token, and a longer one (of which
    /// this is the beginning) never has fewer.
    pub fn tokens_by(&self, tokenizer: Tokenizer) -> u64 {
        let tokens = self.milli_tokens(tokenizer).div_ceil(MILLI);
        if self.is_empty() { 0 } else { tokens.max(1) }
    }

    pub(super) fn milli_tokens(&self, tokenizer: Tokenizer) -> u64 {
        let lines = self.features.iter().zip(weights(tokenizer));
        lines.fold(0, |sum: u64, (&count, &weight)| {
            sum.saturating_add(count.saturating_mul(u64::from(weight)))
        })
    }
}
