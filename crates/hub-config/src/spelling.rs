//! Hints at variables that look like a misspelt one of ours.

use std::fmt;

use crate::variables;

/// A variable that nobody reads, and the one that was probably meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The name as it was set.
    pub found: String,
    /// The name that exists.
    pub meant: &'static str,
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not a variable of the hub: did you mean {}?", self.found, self.meant)
    }
}

/// Looks through the names that are set for ones that resemble ours: a letter or two wrong, another case, or
/// with `HUB_` before it. Names far from ours are other programs' business.
pub fn hints<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Hint> {
    let ours: Vec<&'static str> =
        variables::all().flat_map(|variable| std::iter::once(variable.name).chain(variable.alias)).collect();
    names.into_iter().filter(|name| !ours.contains(name)).filter_map(|name| hint(name, &ours)).collect()
}

fn hint(found: &str, ours: &[&'static str]) -> Option<Hint> {
    // No name of ours is nearly as long: do not measure what cannot match.
    if found.len() > 64 {
        return None;
    }
    let upper = found.to_ascii_uppercase();
    let (written, prefixed) = upper.strip_prefix("HUB_").map_or((upper.as_str(), false), |rest| (rest, true));
    ours.iter()
        .map(|name| (distance(written, name), *name))
        .filter(|(distance, name)| *distance <= tolerance(name, prefixed))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, meant)| Hint { found: found.to_owned(), meant })
}

/// Short names are close to other programs' names by chance.
fn tolerance(name: &str, prefixed: bool) -> usize {
    match (name.len(), prefixed) {
        (..=3, _) | (..=5, false) => 0,
        (..=9, _) => 1,
        _ => 2,
    }
}

/// Levenshtein's distance over bytes, where two neighbours in the wrong order count once.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut previous_byte = None;
    for (row, &byte) in a.iter().enumerate() {
        let mut current = Vec::with_capacity(last.len());
        current.push(row + 1);
        let mut left_byte = None;
        for (column, &other) in b.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX - 1);
            let mut best = (at(&last, column) + usize::from(byte != other))
                .min(at(&last, column + 1) + 1)
                .min(at(&current, column) + 1);
            if column > 0 && previous_byte == Some(other) && left_byte == Some(byte) {
                best = best.min(at(&before, column - 1) + 1);
            }
            current.push(best);
            left_byte = Some(other);
        }
        before = std::mem::replace(&mut last, current);
        previous_byte = Some(byte);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(name: &str) -> Option<&'static str> {
        hints([name]).into_iter().next().map(|hint| hint.meant)
    }

    #[test]
    fn a_misspelt_name_is_hinted_at() {
        assert_eq!(meant("ADMIN_TOKNE"), Some("ADMIN_TOKEN"));
        assert_eq!(meant("HUB_ADMIN_TOKEN"), Some("ADMIN_TOKEN"));
        assert_eq!(meant("HUB_DSN"), Some("DSN"));
        assert_eq!(meant("redis_url"), Some("REDIS_URL"));
        assert_eq!(meant("SESSION_TLL_SECONDS"), Some("SESSION_TTL_SECONDS"));
    }

    #[test]
    fn our_names_and_foreign_names_are_left_alone() {
        for name in
            ["ADMIN_TOKEN", "MAX_POOL_SIZE", "PATH", "HOME", "TERM", "LZ", "DNS", "APP_NAME", "HUB_SPOT", ""]
        {
            assert_eq!(meant(name), None, "{name}");
        }
        assert_eq!(meant(&"É".repeat(100)), None);
    }
}
