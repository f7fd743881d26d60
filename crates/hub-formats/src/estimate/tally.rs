//! Counting the texts of a body: escapes are resolved on the way, and of a large body a sample is enough.

use super::features::{FEATURES, features_of, pair};
use super::find::find;
use super::tokenizer::Tokenizer;
use super::weights::{MILLI, weights};
use crate::json::decode_escape;

/// The byte that is taken to stand before a text.
const NOTHING: u8 = 0;
/// Bytes that are counted in one stretch of a sample.
const STRETCH: usize = 512;
/// Bytes up to which all are counted, and about as many as are counted of more.
const ENOUGH: usize = 32 * 1024;
/// The thinnest sample: one stretch of so many, however large the body.
const THINNEST: usize = 16;

/// What was found in the texts so far.
pub(super) struct Tally {
    /// Pairs of classes and how often they occur; several tables, so that a run of the same pair does not wait
    /// for its own counter each time. No body is so long that one of them could run over.
    pairs: [[u32; 256]; 4],
    /// One stretch is counted, then the rest of a period is not.
    period: usize,
    seen: usize,
    counted: usize,
}

impl Tally {
    /// For texts that have about `expected` bytes together.
    pub(super) fn new(expected: usize) -> Self {
        let every = expected.div_ceil(ENOUGH).clamp(1, THINNEST);
        Self { pairs: [[0; 256]; 4], period: STRETCH * every, seen: 0, counted: 0 }
    }

    /// A text as it stands in JSON, without its quotes.
    pub(super) fn text(&mut self, raw: &[u8]) {
        let mut rest = raw;
        while !rest.is_empty() {
            let phase = self.seen % self.period;
            let is_counted = phase < STRETCH;
            let until = if is_counted && self.period > STRETCH { STRETCH } else { self.period };
            let (now, later) = if self.period == STRETCH {
                (rest, &[][..])
            } else {
                rest.split_at((until - phase).min(rest.len()))
            };
            if is_counted {
                self.count(now);
            }
            self.seen = self.seen.saturating_add(now.len());
            rest = later;
        }
    }

    fn count(&mut self, raw: &[u8]) {
        self.counted = self.counted.saturating_add(raw.len());
        let mut before = NOTHING;
        let mut rest = raw;
        loop {
            let (plain, escape) = rest.split_at(find(b'\\', rest).unwrap_or(rest.len()));
            before = self.plain(before, plain);
            if escape.is_empty() {
                return;
            }
            // Nearly all escapes are of these, and there may be one every few bytes.
            let simple = match escape.get(1) {
                Some(b'n') => Some(b'\n'),
                Some(b't') => Some(b'\t'),
                Some(&byte @ (b'"' | b'\\')) => Some(byte),
                _ => None,
            };
            let used = if let Some(byte) = simple {
                self.one(before, byte);
                before = byte;
                2
            } else {
                let (character, used) = decode_escape(escape);
                before = self.plain(before, character.encode_utf8(&mut [0; 4]).as_bytes());
                used
            };
            rest = escape.get(used..).unwrap_or_default();
        }
    }

    #[inline]
    fn one(&mut self, before: u8, byte: u8) {
        let [first, ..] = &mut self.pairs;
        let times = &mut first[usize::from(pair(before, byte))];
        *times = times.wrapping_add(1);
    }

    fn plain(&mut self, mut before: u8, text: &[u8]) -> u8 {
        let (fours, rest) = text.as_chunks::<4>();
        for &[one, two, three, four] in fours {
            for (table, (before, byte)) in
                self.pairs.iter_mut().zip([(before, one), (one, two), (two, three), (three, four)])
            {
                let times = &mut table[usize::from(pair(before, byte))];
                *times = times.wrapping_add(1);
            }
            before = four;
        }
        for &byte in rest {
            self.one(before, byte);
            before = byte;
        }
        before
    }

    /// The estimate for all texts, seen or sampled, rounded up.
    pub(super) fn tokens_by(&self, tokenizer: Tokenizer) -> u64 {
        let weights: &[u16; FEATURES] = weights(tokenizer);
        let mut sum = 0_u128;
        for index in 0..=u8::MAX {
            let times: u64 = self.pairs.iter().map(|table| u64::from(table[usize::from(index)])).sum();
            if times > 0 {
                let weight: u32 = features_of(index).map(|feature| u32::from(weights[feature])).sum();
                sum += u128::from(times) * u128::from(weight);
            }
        }
        let counted = (self.counted as u128).max(1);
        let tokens = (sum * self.seen as u128).div_ceil(counted * u128::from(MILLI));
        u64::try_from(tokens).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::{ENOUGH, Tally};
    use crate::estimate::{TextCount, Tokenizer};

    fn tokens(raw: &[u8], expected: usize) -> u64 {
        let mut tally = Tally::new(expected);
        tally.text(raw);
        tally.tokens_by(Tokenizer::OpenAi)
    }

    #[test]
    fn escapes_count_as_what_they_stand_for() {
        let text = "fn main() {\n\tlet 名 = \"a\\b\"; // 😀\n}\n";
        let raw = serde_json::to_string(text).unwrap();
        let escaped = raw.replace('名', r"\u540d").replace('😀', r"\ud83d\ude00");
        for raw in [raw, escaped] {
            let inside = raw.as_bytes().strip_prefix(b"\"").and_then(|raw| raw.strip_suffix(b"\"")).unwrap();
            assert_eq!(tokens(inside, inside.len()), TextCount::of(text.as_bytes()).tokens(), "{raw}");
        }
    }

    #[test]
    fn a_sample_says_about_what_the_whole_says() {
        let line = |number: usize| format!("    let value_{number} = compute(\\\"{}\\\");\\n", number * 7919);
        for lines in [2_000, 40_000] {
            let text: String = (0..lines).map(line).collect();
            let (whole, sample) = (tokens(text.as_bytes(), 0), tokens(text.as_bytes(), text.len()));
            assert!(text.len() > 2 * ENOUGH);
            assert!(whole.abs_diff(sample) * 50 < whole, "{whole} {sample}");
        }
    }
}
