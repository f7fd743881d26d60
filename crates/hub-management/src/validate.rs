//! Rules about values that no type can hold, collected by field.

use hub_routing::compile_pattern;
use hub_types::{GroupSet, Money};

use crate::{FieldError, ManagementError, Result};

/// Entries in one list.
const LIST_ENTRIES: usize = 1000;
/// Characters in names and entries of lists.
const NAME_CHARS: usize = 200;
/// Characters in free text.
const TEXT_CHARS: usize = 10_000;

/// What was found wrong so far.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<FieldError>);

impl Faults {
    pub(crate) fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(FieldError::new(field, message));
    }

    pub(crate) fn check(&mut self, holds: bool, field: &str, message: &str) {
        if !holds {
            self.add(field, message);
        }
    }

    pub(crate) fn into_result(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(ManagementError::Invalid(self.0)) }
    }

    /// A name: something to see, on one line, without space around it.
    pub(crate) fn name(&mut self, field: &str, name: &str) {
        self.check(!name.is_empty(), field, "must not be empty");
        self.check(name.trim() == name, field, "must not begin or end with space");
        self.check(name.chars().count() <= NAME_CHARS, field, "is longer than 200 characters");
        self.check(!name.chars().any(char::is_control), field, "must not hold control characters");
    }

    /// Free text.
    pub(crate) fn text(&mut self, field: &str, text: &str) {
        self.check(text.chars().count() <= TEXT_CHARS, field, "is longer than 10000 characters");
        self.check(!text.contains('\0'), field, "must not hold NUL characters");
    }

    /// A list of names.
    pub(crate) fn names(&mut self, field: &str, names: &[String]) {
        self.check(names.len() <= LIST_ENTRIES, field, "has more than 1000 entries");
        if let Some(wrong) = names.iter().find(|name| !is_entry(name)) {
            self.add(
                field,
                format!("`{}` can't be an entry: 1 to 200 characters on one line", shorten(wrong)),
            );
        }
    }

    /// A comma list of provider groups.
    pub(crate) fn groups(&mut self, field: &str, groups: &str) {
        let set = GroupSet::parse(groups);
        self.check(set.names().count() <= LIST_ENTRIES, field, "has more than 1000 entries");
        if let Some(wrong) = set.names().find(|name| !is_entry(name)) {
            self.add(
                field,
                format!("`{}` can't be a group: 1 to 200 characters on one line", shorten(wrong)),
            );
        }
    }

    pub(crate) fn not_negative(&mut self, field: &str, amount: Option<Money>) {
        self.check(amount.is_none_or(|amount| amount >= Money::ZERO), field, "must not be negative");
    }

    /// A regular expression that routing can use.
    pub(crate) fn regex(&mut self, field: &str, pattern: &str) {
        if let Err(reason) = compile_pattern(pattern) {
            self.add(field, format!("`{}` is no usable regular expression: {reason}", shorten(pattern)));
        }
    }
}

fn is_entry(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= NAME_CHARS && !text.chars().any(char::is_control)
}

/// Enough of a value to recognise it in a message.
fn shorten(text: &str) -> String {
    if text.chars().count() <= 40 { text.to_owned() } else { text.chars().take(39).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::Faults;

    fn faults_of(check: impl FnOnce(&mut Faults)) -> usize {
        let mut faults = Faults::default();
        check(&mut faults);
        faults.0.len()
    }

    #[test]
    fn names_are_seen_and_on_one_line() {
        for (name, count) in
            [("ada", 0), ("Ада 李", 0), ("", 1), (" ada", 1), ("a\nb", 1), (&"x".repeat(201), 1)]
        {
            assert_eq!(faults_of(|faults| faults.name("name", name)), count, "{name:?}");
        }
    }

    #[test]
    fn patterns_must_compile_and_stay_small() {
        for (pattern, count) in [("^claude-.*$", 0), ("(", 1), (r"\w{1000}{1000}", 1), (r"\w{15}", 1)] {
            assert_eq!(faults_of(|faults| faults.regex("rules", pattern)), count, "{pattern}");
        }
    }
}
