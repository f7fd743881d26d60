//! Which vocabulary a model's text is cut by.

use hub_types::Dialect;

/// A family of tokenizers. The same program is 1000 tokens for one and 1600 for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Tokenizer {
    /// OpenAI's models since GPT-4o (`o200k`), and what is not known: open models have vocabularies of a similar
    /// size and make.
    #[default]
    OpenAi,
    /// Gemini and Gemma.
    Gemini,
    /// Claude 3 to Claude 4.6.
    Claude3,
    /// Claude from 4.7 on: shorter tokens, about a third more of them.
    Claude47,
}

impl Tokenizer {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::OpenAi, Self::Gemini, Self::Claude3, Self::Claude47];

    /// The tokenizer of a model. A name that says nothing is judged by the dialect that it is spoken to in,
    /// except that Claude's is also spoken by vendors whose models resemble OpenAI's.
    pub fn of_model(dialect: Dialect, model: &str) -> Self {
        let has = |word: &str| contains_word(model.as_bytes(), word.as_bytes());
        if ["claude", "opus", "sonnet", "haiku"].into_iter().any(has) {
            return if claude_version(model) < (4, 7) { Self::Claude3 } else { Self::Claude47 };
        }
        if ["gemini", "gemma"].into_iter().any(has) {
            return Self::Gemini;
        }
        match dialect {
            Dialect::Gemini | Dialect::GeminiCli => Self::Gemini,
            Dialect::Claude | Dialect::OpenAi | Dialect::Responses => Self::OpenAi,
        }
    }
}

fn contains_word(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
}

/// The first two numbers in a name such as `claude-opus-4-1-20250805` or `claude-3.5-sonnet`; dates are no
/// versions. Without any it is the newest.
fn claude_version(model: &str) -> (u32, u32) {
    let mut numbers = model
        .split(|character: char| !character.is_ascii_alphanumeric())
        .skip_while(|part| !is_version(part))
        .map_while(|part| is_version(part).then(|| part.parse().unwrap_or(0)));
    match numbers.next() {
        Some(major) => (major, numbers.next().unwrap_or(0)),
        None => (u32::MAX, 0),
    }
}

fn is_version(part: &str) -> bool {
    (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
}
