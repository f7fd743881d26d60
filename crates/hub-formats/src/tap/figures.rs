//! From the vendors' figures to the hub's, dialect by dialect.

use hub_types::{Dialect, Usage};

use super::schema::{FIGURES, Figure};

/// No request uses a trillion tokens: a larger figure is nonsense, and cut here so that sums stay sums.
const MAX_TOKENS: u64 = 1_000_000_000_000;

/// The figures of one usage report; `None` = not mentioned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Figures([Option<u64>; FIGURES]);

impl Figures {
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// Notes a figure as written. What is no number is not noted; what is negative counts as zero.
    pub(super) fn note(&mut self, figure: Figure, text: &str) {
        if let (Some(slot), Some(tokens)) = (self.0.get_mut(figure as usize), tokens(text)) {
            *slot = Some(tokens);
        }
    }

    /// Takes the larger value of each figure.
    pub(super) fn raise(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = (*mine).max(theirs);
        }
    }

    fn get(&self, figure: Figure) -> Option<u64> {
        self.0.get(figure as usize).copied().flatten()
    }

    fn or_zero(&self, figure: Figure) -> u64 {
        self.get(figure).unwrap_or(0)
    }

    /// The usage, or `None` if there is no figure that the dialect knows.
    pub(super) fn usage(&self, dialect: Dialect) -> Option<Usage> {
        match dialect {
            Dialect::Claude => self.claude(),
            // Images and sound are counted in the words of Responses.
            Dialect::OpenAi => self
                .openai(Figure::Prompt, Figure::Completion)
                .or_else(|| self.openai(Figure::Input, Figure::Output)),
            Dialect::Responses => self.openai(Figure::Input, Figure::Output),
            Dialect::Gemini | Dialect::GeminiCli => self.gemini(),
        }
    }

    fn any(&self, figures: &[Figure]) -> bool {
        figures.iter().any(|&figure| self.get(figure).is_some())
    }

    fn claude(&self) -> Option<Usage> {
        use Figure::{CacheRead, CacheWrite, CacheWrite1h, CacheWrite5m, Input, Output};
        if !self.any(&[Input, Output, CacheRead, CacheWrite, CacheWrite5m, CacheWrite1h]) {
            return None;
        }
        let (short, long) = (self.or_zero(CacheWrite5m), self.or_zero(CacheWrite1h));
        // What the split leaves unexplained, all of it if there is no split, was written for five minutes.
        let rest = self.or_zero(CacheWrite).saturating_sub(short.saturating_add(long));
        let output = self.or_zero(Output);
        Some(Usage {
            input: self.or_zero(Input),
            output,
            reasoning: self.or_zero(Figure::Reasoning).min(output),
            cache_read: self.or_zero(CacheRead),
            cache_write_5m: short.saturating_add(rest),
            cache_write_1h: long,
        })
    }

    fn openai(&self, prompt: Figure, completion: Figure) -> Option<Usage> {
        if !self.any(&[prompt, completion]) {
            return None;
        }
        let (read, written) = (self.or_zero(Figure::Cached), self.or_zero(Figure::Written));
        Some(Usage {
            input: self.or_zero(prompt).saturating_sub(read).saturating_sub(written),
            output: self.or_zero(completion),
            reasoning: self.or_zero(Figure::Reasoning).min(self.or_zero(completion)),
            cache_read: read,
            cache_write_5m: written,
            cache_write_1h: 0,
        })
    }

    fn gemini(&self) -> Option<Usage> {
        if !self.any(&[Figure::Prompt, Figure::Completion, Figure::Reasoning, Figure::Total]) {
            return None;
        }
        let prompt = self.or_zero(Figure::Prompt).saturating_add(self.or_zero(Figure::ToolPrompt));
        let (answer, thoughts) = (self.or_zero(Figure::Completion), self.or_zero(Figure::Reasoning));
        // Some backends count the thoughts among the candidates' tokens; the total gives them away.
        let included = thoughts <= answer && self.get(Figure::Total) == Some(prompt.saturating_add(answer));
        let cached = self.or_zero(Figure::Cached);
        Some(Usage {
            input: prompt.saturating_sub(cached),
            output: if included { answer } else { answer.saturating_add(thoughts) },
            reasoning: thoughts,
            cache_read: cached,
            cache_write_5m: 0,
            cache_write_1h: 0,
        })
    }
}

fn tokens(text: &str) -> Option<u64> {
    if let Ok(tokens) = text.parse::<u64>() {
        return Some(tokens.min(MAX_TOKENS));
    }
    let number: f64 = text.parse().ok().filter(|number: &f64| !number.is_nan())?;
    if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates: negative numbers become 0, huge ones are cut below"
    )]
    let whole = number as u64;
    Some(whole.min(MAX_TOKENS))
}
