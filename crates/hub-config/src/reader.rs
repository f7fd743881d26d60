//! Reads variables one after the other, and keeps the mistakes instead of stopping at the first.

use std::time::Duration;

use crate::error::ConfigError;
use crate::variable::{Kind, Variable};

pub(crate) struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    pub(crate) errors: Vec<ConfigError>,
    pub(crate) effective: Vec<Effective>,
}

/// What a variable came to, fit to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Effective {
    pub(crate) name: &'static str,
    /// `None`: not set, and there is no default.
    pub(crate) value: Option<String>,
    pub(crate) is_default: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, errors: Vec::new(), effective: Vec::new() }
    }

    /// Reads a variable, or its default. `None`: neither is there, or a mistake has been noted.
    pub(crate) fn value<T>(
        &mut self,
        variable: &Variable,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.checked(variable, |text| parse(text).ok_or_else(|| variable.kind.to_string()))
    }

    /// As [`Reader::value`], for what can be wrong in more than one way: the error says what is expected.
    pub(crate) fn checked<T>(
        &mut self,
        variable: &Variable,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let given = self.given(variable);
        let is_default = given.is_none();
        let text = given.or_else(|| variable.default.map(str::to_owned));
        let value = text.as_deref().map(|text| variable.shown(text));
        self.effective.push(Effective { name: variable.name, value, is_default });
        let text = text?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(expected) => {
                self.errors.push(ConfigError::new(variable, &text, expected));
                None
            }
        }
    }

    /// As [`Reader::value`] for a variable that need not be set: the outer `None` is a mistake.
    #[expect(clippy::option_option, reason = "not set and set wrongly are different here, and only here")]
    pub(crate) fn optional<T>(
        &mut self,
        variable: &Variable,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<Option<T>> {
        let mistakes = self.errors.len();
        let value = self.value(variable, parse);
        (self.errors.len() == mistakes).then_some(value)
    }

    pub(crate) fn boolean(&mut self, variable: &Variable) -> Option<bool> {
        self.value(variable, boolean)
    }

    /// A number within the bounds of its kind.
    pub(crate) fn count<N: TryFrom<u64>>(&mut self, variable: &Variable) -> Option<N> {
        self.value(variable, |text| N::try_from(within(variable.kind, text)?).ok())
    }

    /// Seconds or milliseconds, as the kind says.
    pub(crate) fn duration(&mut self, variable: &Variable) -> Option<Duration> {
        let unit: fn(u64) -> Duration = match variable.kind {
            Kind::Seconds { .. } => Duration::from_secs,
            _ => Duration::from_millis,
        };
        self.value(variable, |text| within(variable.kind, text).map(unit))
    }

    /// Notes that a variable contradicts another one.
    pub(crate) fn refuse(&mut self, variable: &Variable, expected: impl Into<String>) {
        let text = self.given(variable).or_else(|| variable.default.map(str::to_owned)).unwrap_or_default();
        self.errors.push(ConfigError::new(variable, &text, expected));
    }

    /// What is set, without the blanks and the one pair of quotes around it. Set to nothing is not set: that is
    /// what an empty line of an environment file means.
    fn given(&self, variable: &Variable) -> Option<String> {
        let names = std::iter::once(variable.name).chain(variable.alias);
        names.filter_map(|name| (self.lookup)(name)).find_map(|text| {
            let text = unquoted(text.trim()).trim();
            (!text.is_empty()).then(|| text.to_owned())
        })
    }
}

/// The spellings of yes and no; anything else is neither.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn unquoted(text: &str) -> &str {
    let inner = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

fn within(kind: Kind, text: &str) -> Option<u64> {
    let (Kind::Count { least, most } | Kind::Milliseconds { least, most } | Kind::Seconds { least, most }) =
        kind
    else {
        return None;
    };
    // `+5` parses as a number too, and nobody writes it on purpose.
    let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())??;
    (least..=most).contains(&number).then_some(number)
}
