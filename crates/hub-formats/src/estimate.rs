//! How many tokens a text has, roughly, for the requests whose upstream did not say.
//!
//! The ratio depends on the script, as vendors' tokenizers do: four ASCII characters to a token (English prose
//! and code lie between 3.5 and 4.5), two characters of two bytes (Cyrillic, Greek, accented Latin), one
//! character of three or four bytes (Chinese, Japanese, Korean, emoji). An estimate is always marked as one.

/// Characters by the length of their UTF-8 form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TextCount {
    /// One byte.
    pub ascii: u64,
    /// Two bytes.
    pub two_byte: u64,
    /// Three or four bytes.
    pub wide: u64,
}

impl TextCount {
    /// Counts a text. Pieces may be cut anywhere, even inside a character: it counts where it begins.
    pub fn of(text: &[u8]) -> Self {
        let mut count = Self::default();
        for &byte in text {
            count.ascii += u64::from(byte < 0x80);
            count.two_byte += u64::from(byte & 0xE0 == 0xC0);
            count.wide += u64::from(byte >= 0xE0);
        }
        count
    }

    /// Adds another count.
    pub fn add(&mut self, other: Self) {
        self.ascii = self.ascii.saturating_add(other.ascii);
        self.two_byte = self.two_byte.saturating_add(other.two_byte);
        self.wide = self.wide.saturating_add(other.wide);
    }

    /// No character at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Bytes of UTF-8 (a wide character counts three).
    pub fn bytes(&self) -> u64 {
        self.ascii.saturating_add(self.two_byte.saturating_mul(2)).saturating_add(self.wide.saturating_mul(3))
    }

    /// The estimate, rounded up: a text that is not empty has at least one token.
    pub fn tokens(&self) -> u64 {
        let quarters = self
            .ascii
            .saturating_add(self.two_byte.saturating_mul(2))
            .saturating_add(self.wide.saturating_mul(4));
        quarters.div_ceil(4)
    }
}

/// Estimated tokens of a text, or of a request body: its JSON punctuation about makes up for the role markers
/// and the like that a vendor adds.
pub fn tokens_in(text: &[u8]) -> u64 {
    TextCount::of(text).tokens()
}

#[cfg(test)]
mod tests {
    use super::{TextCount, tokens_in};

    #[test]
    fn scripts_weigh_differently() {
        for (text, tokens) in
            [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("привет", 3), ("你好", 2), ("😀", 1)]
        {
            assert_eq!(tokens_in(text.as_bytes()), tokens, "{text}");
        }
    }

    #[test]
    fn cuts_inside_a_character_do_not_matter() {
        let text = "aé漢😀".as_bytes();
        for at in 0..=text.len() {
            let mut count = TextCount::of(&text[..at]);
            count.add(TextCount::of(&text[at..]));
            assert_eq!(count, TextCount::of(text));
        }
    }
}
