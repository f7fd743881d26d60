//! Regular expressions that people write, and the one bound on their size: what is taken when a rule is saved is
//! taken when it is put to use.

use regex::{Regex, RegexBuilder};
use thiserror::Error;

/// Bytes that a compiled pattern may take, and again those of the automaton that it is run by.
const REGEX_LIMIT: usize = 256 * 1024;

/// Why a pattern can't be used. Does not repeat the pattern.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PatternError {
    /// It is no regular expression.
    #[error("{0}")]
    Syntax(String),
    /// It compiles into more than the hub keeps of one.
    #[error("it is too large")]
    TooLarge,
}

/// Compiles a pattern, anywhere in a text unless it is anchored.
pub fn compile_pattern(pattern: &str) -> Result<Regex, PatternError> {
    let built = RegexBuilder::new(pattern).size_limit(REGEX_LIMIT).dfa_size_limit(REGEX_LIMIT).build();
    built.map_err(|error| match error {
        regex::Error::Syntax(text) => {
            let last = text.lines().last().unwrap_or_default();
            PatternError::Syntax(last.strip_prefix("error:").unwrap_or(last).trim().to_owned())
        }
        _ => PatternError::TooLarge,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        assert!(compile_pattern("^claude-.*-4$").unwrap().is_match("claude-opus-4"));
        assert!(matches!(compile_pattern("a(b"), Err(PatternError::Syntax(said)) if !said.contains('\n')));
        assert_eq!(compile_pattern(r"\w{5000}").unwrap_err(), PatternError::TooLarge);
        assert_eq!(compile_pattern("(a{1000}){1000}").unwrap_err(), PatternError::TooLarge);
    }
}
