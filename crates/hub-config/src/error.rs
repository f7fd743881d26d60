//! Mistakes in the configuration, all of them at once.

use std::fmt;

use thiserror::Error;

use crate::variable::Variable;

/// One mistake: which variable, what it was set to, and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The variable's name.
    pub variable: &'static str,
    /// What it was set to, shortened; `***` for a secret.
    pub value: String,
    /// What is allowed, or what it contradicts: a part of a sentence, without secrets.
    pub expected: String,
}

impl ConfigError {
    pub(crate) fn new(variable: &Variable, value: &str, expected: impl Into<String>) -> Self {
        let value = if variable.secret { "***".to_owned() } else { variable.shown(value) };
        Self { variable: variable.name, value, expected: expected.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}: expected {}", self.variable, self.value.escape_debug(), self.expected)
    }
}

/// All mistakes of a configuration. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration has mistakes:")?;
        self.0.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}
