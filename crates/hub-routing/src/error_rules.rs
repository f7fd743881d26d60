//! Error rules made ready for use, and the one question that is asked of them: which one speaks about an error?
//! They are asked before [`crate::classify_status`] has its say, and only about what a provider has said.

use std::sync::Arc;

use hub_types::{ErrorClass, ErrorRule, ErrorRuleId, ProviderId, ProviderType, TextMatch};
use regex::Regex;
use thiserror::Error;

use crate::pattern::{PatternError, compile_pattern};
use crate::{classify_status, verdict};

/// Bytes of an error's text that patterns are held against.
pub const MOST_ERROR_TEXT: usize = 8 << 10;
/// More rules than this are not asked.
pub const MOST_ERROR_RULES: usize = 1000;

/// What a provider has said.
#[derive(Debug, Clone, Copy)]
pub struct Complaint<'a> {
    /// Who.
    pub provider: ProviderId,
    /// What kind of account it is.
    pub provider_type: ProviderType,
    /// The status of the answer: 200 if the error is inside of what looked like a success.
    pub status: u16,
    /// `error.type`, or Gemini's `error.status`.
    pub error_type: Option<&'a str>,
    /// `error.code`.
    pub code: Option<&'a str>,
    /// `error.message`, or the body where there is none. Looked at as far as [`MOST_ERROR_TEXT`].
    pub text: &'a str,
}

/// A rule that is left out, because it can't be compiled.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("error rule {id} (`{name}`) is left out: its pattern is not usable: {reason}")]
pub struct ErrorRuleProblem {
    /// Which one.
    pub id: ErrorRuleId,
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub reason: PatternError,
}

#[derive(Debug, Clone)]
enum Matcher {
    /// In lower case.
    Contains(String),
    /// In lower case, trimmed.
    Exact(String),
    Regex(Regex),
}

impl Matcher {
    fn compile(kind: TextMatch, pattern: &str) -> Result<Self, PatternError> {
        Ok(match kind {
            TextMatch::Contains => Self::Contains(pattern.to_lowercase()),
            TextMatch::Exact => Self::Exact(pattern.trim().to_lowercase()),
            TextMatch::Regex => Self::Regex(compile_pattern(pattern)?),
        })
    }
}

/// The text of an error as patterns want it.
struct Text<'a> {
    raw: &'a str,
    /// Made when the first pattern asks for it.
    lower: Option<String>,
}

impl Text<'_> {
    fn lower(&mut self) -> &str {
        self.lower.get_or_insert_with(|| self.raw.to_lowercase())
    }

    fn is_matched(&mut self, matcher: &Matcher) -> bool {
        match matcher {
            Matcher::Contains(part) => self.lower().contains(part.as_str()),
            Matcher::Exact(all) => self.lower().trim() == all,
            Matcher::Regex(regex) => regex.is_match(self.raw),
        }
    }
}

/// A rule with its pattern compiled.
#[derive(Debug, Clone)]
pub struct CompiledErrorRule {
    rule: ErrorRule,
    pattern: Option<Matcher>,
}

impl CompiledErrorRule {
    /// The rule itself.
    pub const fn rule(&self) -> &ErrorRule {
        &self.rule
    }

    fn speaks_about(&self, complaint: &Complaint<'_>, text: &mut Text<'_>) -> bool {
        let rule = &self.rule;
        let is_of = |types: &[ProviderType]| types.is_empty() || types.contains(&complaint.provider_type);
        let is_word = |word: &str| {
            [complaint.error_type, complaint.code]
                .into_iter()
                .flatten()
                .any(|said| said.eq_ignore_ascii_case(word))
        };
        rule.has_condition()
            && rule.provider_id.is_none_or(|provider| provider == complaint.provider)
            && is_of(&rule.provider_types)
            && rule.status.is_none_or(|status| status.covers(complaint.status))
            && rule.error_type.as_deref().is_none_or(is_word)
            && self.pattern.as_ref().is_none_or(|pattern| text.is_matched(pattern))
    }
}

/// All rules of a snapshot that are switched on, in the order in which they are asked.
#[derive(Debug, Clone, Default)]
pub struct ErrorRules {
    rules: Vec<Arc<CompiledErrorRule>>,
}

impl ErrorRules {
    /// Compiles the rules. One with a broken pattern is left out and reported.
    pub fn build(rules: impl IntoIterator<Item = ErrorRule>) -> (Self, Vec<ErrorRuleProblem>) {
        let mut rules: Vec<ErrorRule> = rules.into_iter().filter(|rule| rule.is_enabled).collect();
        rules.sort_by_key(|rule| (rule.priority, rule.id));
        rules.truncate(MOST_ERROR_RULES);
        let (mut built, mut problems) = (Self::default(), Vec::new());
        for rule in rules {
            let pattern = rule.pattern.as_deref();
            match pattern.map(|pattern| Matcher::compile(rule.pattern_match, pattern)).transpose() {
                Ok(pattern) => built.rules.push(Arc::new(CompiledErrorRule { rule, pattern })),
                Err(reason) => {
                    problems.push(ErrorRuleProblem { id: rule.id, name: rule.name, reason });
                }
            }
        }
        (built, problems)
    }

    /// Is there nobody to ask?
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The first rule that speaks about this error.
    pub fn find(&self, complaint: &Complaint<'_>) -> Option<&Arc<CompiledErrorRule>> {
        if self.rules.is_empty() {
            return None;
        }
        let mut text = Text { raw: beginning(complaint.text, MOST_ERROR_TEXT), lower: None };
        self.rules.iter().find(|rule| rule.speaks_about(complaint, &mut text))
    }
}

/// Would this rule hold errors against providers that their clients have made? One that counts against breakers
/// has to say more than a status where that status may be the client's own fault, or one bad conversation opens
/// the breakers of everybody.
pub fn is_too_broad(rule: &ErrorRule) -> bool {
    let Some(status) = rule.status.filter(|_| !rule.is_specific() && verdict(rule.class).counts) else {
        return false;
    };
    (200..500).any(|code| {
        let class = classify_status(code, None, None, None);
        status.covers(code) && (code < 300 || class == ErrorClass::RequestFault)
    })
}

/// So many bytes of a text at most, cut between characters.
fn beginning(text: &str, most: usize) -> &str {
    if text.len() <= most { text } else { text.get(..text.floor_char_boundary(most)).unwrap_or_default() }
}

#[cfg(test)]
mod tests;
