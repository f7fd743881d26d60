//! The features of a text that tokenizers agree to care for. Each depends on one byte and the one before it, so
//! that counting is a table look-up a byte, and pieces can be joined exactly.

/// How many features there are; the names below index lists of them.
pub(super) const FEATURES: usize = 21;

/// The features by name, in the order of a list of weights.
pub(super) mod feature {
    /// a–z.
    pub(crate) const LOWER: u8 = 0;
    /// A–Z.
    pub(crate) const UPPER: u8 = 1;
    /// The first letter of a run.
    pub(crate) const WORD: u8 = 2;
    /// A capital after a small letter, as in `camelCase`.
    pub(crate) const HUMP: u8 = 3;
    /// 0–9.
    pub(crate) const DIGIT: u8 = 4;
    /// The first digit of a run.
    pub(crate) const NUMBER: u8 = 5;
    /// The same after a space, which joins a word but seldom a number.
    pub(crate) const SPACED_NUMBER: u8 = 6;
    /// Any other ASCII character that is not white.
    pub(crate) const MARK: u8 = 7;
    /// The same after a space.
    pub(crate) const SPACED_MARK: u8 = 8;
    /// A space after something that is not white.
    pub(crate) const SPACE: u8 = 9;
    /// A line break after something that is none.
    pub(crate) const LINE: u8 = 10;
    /// Any other white character: indentation, empty lines, tabs.
    pub(crate) const BLANK: u8 = 11;
    /// Latin letters with accents (U+0080 – U+017F).
    pub(crate) const ACCENTED: u8 = 12;
    /// The other characters of two bytes: Greek, Cyrillic, Hebrew, Arabic.
    pub(crate) const TWO_BYTES: u8 = 13;
    /// Scripts of South and South-East Asia, Georgian, Vietnamese vowels (U+0800 – U+1FFF).
    pub(crate) const INDIC: u8 = 14;
    /// Typographic marks, arrows, boxes (U+2000 – U+2FFF).
    pub(crate) const SYMBOL: u8 = 15;
    /// Kana and the punctuation of Chinese and Japanese (U+3000 – U+3FFF).
    pub(crate) const KANA: u8 = 16;
    /// Ideographs (U+4000 – U+9FFF).
    pub(crate) const HAN: u8 = 17;
    /// Hangul syllables, and what shares their first bytes (U+A000 – U+DFFF).
    pub(crate) const HANGUL: u8 = 18;
    /// Full-width forms and private characters (U+E000 – U+FFFF).
    pub(crate) const FULL_WIDTH: u8 = 19;
    /// Characters of four bytes, emoji above all.
    pub(crate) const ASTRAL: u8 = 20;
}

/// What a byte is. The first seven also matter for the byte that follows.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Class {
    Lower,
    Upper,
    Digit,
    Space,
    Newline,
    Tab,
    Other,
    Mark,
    Accented,
    TwoBytes,
    Indic,
    Symbol,
    Kana,
    Han,
    Hangul,
    FullWidth,
    Astral,
}

const fn class(byte: u8) -> Class {
    match byte {
        b'a'..=b'z' => Class::Lower,
        b'A'..=b'Z' => Class::Upper,
        b'0'..=b'9' => Class::Digit,
        b' ' => Class::Space,
        b'\n' | b'\r' => Class::Newline,
        b'\t' | 0x0B | 0x0C => Class::Tab,
        // Continuation bytes: a character counts where it begins.
        0x80..=0xBF => Class::Other,
        0xC0..=0xC5 => Class::Accented,
        0xC6..=0xDF => Class::TwoBytes,
        0xE0 | 0xE1 => Class::Indic,
        0xE2 => Class::Symbol,
        0xE3 => Class::Kana,
        0xE4..=0xE9 => Class::Han,
        0xEA..=0xED => Class::Hangul,
        0xEE | 0xEF => Class::FullWidth,
        0xF0.. => Class::Astral,
        _ => Class::Mark,
    }
}

/// Bits below the previous byte's class in a [`pair`].
const SHIFT: u32 = 5;

static AFTER: [u8; 256] = table(true);
static AT: [u8; 256] = table(false);
/// The features of each pair of classes, a bit each.
static MARKS: [u32; 256] = marks();

const fn table(is_previous: bool) -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0_u8;
    loop {
        let class = class(byte) as u8;
        table[byte as usize] = match (is_previous, class <= Class::Other as u8) {
            (false, _) => class,
            (true, true) => class << SHIFT,
            (true, false) => (Class::Other as u8) << SHIFT,
        };
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

const fn marks() -> [u32; 256] {
    let mut table = [0; 256];
    let mut pair = 0_u8;
    loop {
        table[pair as usize] = marks_of(pair >> SHIFT, pair & ((1 << SHIFT) - 1));
        if pair == u8::MAX {
            return table;
        }
        pair += 1;
    }
}

const fn marks_of(before: u8, at: u8) -> u32 {
    const LOWER: u8 = Class::Lower as u8;
    const UPPER: u8 = Class::Upper as u8;
    const DIGIT: u8 = Class::Digit as u8;
    const SPACE: u8 = Class::Space as u8;
    const NEWLINE: u8 = Class::Newline as u8;
    const TAB: u8 = Class::Tab as u8;
    const MARK: u8 = Class::Mark as u8;
    const ACCENTED: u8 = Class::Accented as u8;
    const ASTRAL: u8 = Class::Astral as u8;
    const fn bit(feature: u8, holds: bool) -> u32 {
        if holds { 1 << feature } else { 0 }
    }
    let is_first_letter = !matches!(before, LOWER | UPPER);
    match at {
        LOWER => bit(feature::LOWER, true) | bit(feature::WORD, is_first_letter),
        UPPER => {
            bit(feature::UPPER, true)
                | bit(feature::WORD, is_first_letter)
                | bit(feature::HUMP, before == LOWER)
        }
        DIGIT => {
            bit(feature::DIGIT, true)
                | bit(feature::NUMBER, before != DIGIT)
                | bit(feature::SPACED_NUMBER, before == SPACE)
        }
        MARK => bit(feature::MARK, true) | bit(feature::SPACED_MARK, before == SPACE),
        SPACE if !matches!(before, SPACE | NEWLINE | TAB) => bit(feature::SPACE, true),
        NEWLINE if before != NEWLINE => bit(feature::LINE, true),
        SPACE | NEWLINE | TAB => bit(feature::BLANK, true),
        // From here on the classes are in the order of the features.
        ACCENTED..=ASTRAL => bit(feature::ACCENTED + (at - ACCENTED), true),
        _ => 0,
    }
}

/// The classes of a byte and of the one before it, as one small number.
pub(super) fn pair(before: u8, byte: u8) -> u8 {
    AFTER[usize::from(before)] | AT[usize::from(byte)]
}

/// The features that a pair has: at most three.
pub(super) fn features_of(pair: u8) -> impl Iterator<Item = usize> {
    let mut bits = MARKS[usize::from(pair)];
    std::iter::from_fn(move || {
        let feature = (bits != 0).then(|| bits.trailing_zeros() as usize);
        bits &= bits.wrapping_sub(1);
        feature
    })
}
