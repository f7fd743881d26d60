//! What a conversion has to know of the model that it writes for. The table is data: `data/model_facts.tsv`.

mod overrides;

use serde::{Deserialize, Serialize};

use super::level::Level;

pub use overrides::{FactOverrides, ModelOverride};

/// How a model is told to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThinkingStyle {
    /// Nobody knows: what the client asked for is passed on.
    Unknown,
    /// It does not think.
    None,
    /// Claude from 4.6 on: it decides by itself, within an effort.
    Adaptive,
    /// By a budget of tokens.
    Budget,
    /// OpenAI: by an effort.
    Effort,
    /// Gemini from 3 on: by a level.
    Level,
}

/// What is known of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFacts {
    /// How it is told to think.
    pub style: ThinkingStyle,
    /// The levels that it knows; none = all.
    pub levels: Vec<Level>,
    /// The least and the most tokens of a budget.
    pub budget: Option<(u64, u64)>,
    /// The most tokens that an answer may have.
    pub max_output: Option<u64>,
    /// Does it take temperature and the like?
    pub sampling: bool,
    /// Does it take either temperature or top_p, not both?
    pub exclusive_sampling: bool,
    /// Does it take a schema for its answer?
    pub schema: bool,
    /// Does it refuse calls of its own without their signatures?
    pub signatures: bool,
    /// Can its thinking be switched off?
    pub can_stop_thinking: bool,
    /// Does it take system turns in the middle of the conversation?
    pub mid_system: bool,
    /// OpenAI: does it take tools with plain text, and grammars for them?
    pub custom_tools: bool,
}

const TABLE: &str = include_str!("../../data/model_facts.tsv");

impl ModelFacts {
    /// The facts of a model, found by its name.
    pub fn of(model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
        TABLE
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once('\t'))
            .find(|(pattern, _)| matches(pattern, &name))
            .map_or_else(Self::unknown, |(_, row)| Self::read(row))
    }

    /// Nothing is known: everything is passed on.
    pub fn unknown() -> Self {
        Self {
            style: ThinkingStyle::Unknown,
            levels: Vec::new(),
            budget: None,
            max_output: None,
            sampling: true,
            exclusive_sampling: false,
            schema: true,
            signatures: false,
            can_stop_thinking: true,
            mid_system: false,
            custom_tools: false,
        }
    }

    fn read(row: &str) -> Self {
        let mut columns = row.split('\t');
        let mut next = || columns.next().unwrap_or("-");
        let style = match next() {
            "none" => ThinkingStyle::None,
            "adaptive" => ThinkingStyle::Adaptive,
            "budget" => ThinkingStyle::Budget,
            "effort" => ThinkingStyle::Effort,
            "level" => ThinkingStyle::Level,
            _ => ThinkingStyle::Unknown,
        };
        let levels = next().split(',').filter_map(range).flatten().collect();
        let budget =
            next().split_once("..").and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
        let max_output = next().parse().ok();
        let flags = next();
        let has = |flag: &str| flags.split(',').any(|word| word == flag);
        Self {
            style,
            levels,
            budget,
            max_output,
            sampling: has("sampling"),
            exclusive_sampling: has("exclusive"),
            schema: has("schema"),
            signatures: has("signatures"),
            can_stop_thinking: has("off"),
            mid_system: has("mid_system"),
            custom_tools: has("custom"),
        }
    }
}

/// One level, or all from one to another.
fn range(text: &str) -> Option<impl Iterator<Item = Level>> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let (from, to) = (Level::named(from)?, Level::named(to)?);
    Some(Level::ALL.into_iter().filter(move |level| (from..=to).contains(level)))
}

/// Does the name fit the pattern, where `*` stands for any text?
fn matches(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let mut open = false;
    for piece in pieces {
        open = true;
        match rest.find(piece) {
            Some(at) => rest = rest.get(at + piece.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    open && pattern.ends_with('*') || rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::{Level, ModelFacts, ThinkingStyle};

    #[test]
    fn families_are_told_apart_by_name() {
        for (model, style, sampling) in [
            ("claude-opus-5-5", ThinkingStyle::Adaptive, false),
            ("claude-haiku-5", ThinkingStyle::Adaptive, false),
            ("claude-opus-4-7", ThinkingStyle::Adaptive, false),
            ("claude-sonnet-4-6", ThinkingStyle::Adaptive, true),
            ("claude-sonnet-4-5-20250929", ThinkingStyle::Budget, true),
            ("claude-3-5-haiku-latest", ThinkingStyle::None, true),
            ("gpt-5", ThinkingStyle::Effort, false),
            ("gpt-5.6-sol", ThinkingStyle::Effort, false),
            ("gpt-4o", ThinkingStyle::None, true),
            ("gemini-2.5-pro", ThinkingStyle::Budget, true),
            ("models/gemini-3.8-flash", ThinkingStyle::Level, true),
            ("deepseek-chat", ThinkingStyle::Unknown, true),
        ] {
            let facts = ModelFacts::of(model);
            assert_eq!((facts.style, facts.sampling), (style, sampling), "{model}");
        }
        assert_eq!(ModelFacts::of("gpt-5").levels.first(), Some(&Level::Minimal));
        let levels = [Level::Low, Level::Medium, Level::High, Level::Max];
        assert_eq!(ModelFacts::of("claude-opus-4-6").levels, levels);
        assert_eq!(ModelFacts::of("gemini-3-pro").levels, [Level::Low, Level::Medium, Level::High]);
    }

    #[test]
    fn every_row_of_the_table_is_complete() {
        for line in super::TABLE.lines().filter(|line| !line.starts_with('#')) {
            assert_eq!(line.split('\t').count(), 6, "{line}");
            assert_ne!(ModelFacts::read(line.split_once('\t').unwrap().1).style, ThinkingStyle::Unknown);
        }
    }
}
