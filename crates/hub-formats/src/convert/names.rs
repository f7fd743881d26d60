//! Names of tools: the provider's dialect may refuse what the client's allows.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::ids::digest;

/// Which names a dialect takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameRule {
    /// `[A-Za-z0-9_-]{1,128}`
    Claude,
    /// `[A-Za-z0-9_-]{1,64}`
    OpenAi,
    /// Begins with a letter or `_`, then `[A-Za-z0-9_.:-]`, at most 64.
    Gemini,
}

impl NameRule {
    const fn max_len(self) -> usize {
        if matches!(self, Self::Claude) { 128 } else { 64 }
    }

    fn allows(self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'_' | b'-')
            || (self == Self::Gemini && matches!(byte, b'.' | b':'))
    }

    fn fits(self, name: &str) -> bool {
        let starts =
            self != Self::Gemini || name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        !name.is_empty() && name.len() <= self.max_len() && starts && name.bytes().all(|b| self.allows(b))
    }

    fn sanitise(self, name: &str) -> String {
        let mut wire: String = name
            .chars()
            .map(|c| {
                let plain = c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
                if plain { c } else { '_' }
            })
            .collect();
        let starts = wire.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        if wire.is_empty() || (self == Self::Gemini && !starts) {
            wire.insert(0, '_');
        }
        if wire.len() > self.max_len() {
            wire.truncate(self.max_len() - 9);
            wire.push('_');
            wire.push_str(digest(&[name.as_bytes()]).get(..8).unwrap_or_default());
        }
        wire
    }
}

/// A bijection between the client's names and the provider's, over all names of one request.
#[derive(Debug, Clone, Default)]
pub(crate) struct NameMap {
    /// Only names that had to change.
    forward: HashMap<String, String>,
    back: HashMap<String, String>,
}

impl NameMap {
    /// Names that are legal keep themselves and win.
    pub(crate) fn new<'n>(rule: NameRule, names: impl Iterator<Item = &'n str>) -> Self {
        let mut seen = HashSet::new();
        let (legal, illegal): (Vec<&str>, Vec<&str>) =
            names.filter(|name| seen.insert(*name)).partition(|name| rule.fits(name));
        let mut taken: HashSet<String> = legal.into_iter().map(str::to_owned).collect();
        let mut map = Self::default();
        // Where the next free suffix of a base is: many collisions must not cost quadratic time.
        let mut next: HashMap<String, usize> = HashMap::new();
        for name in illegal {
            let base = rule.sanitise(name);
            let mut wire = base.clone();
            while !taken.insert(wire.clone()) {
                let count = next.entry(base.clone()).or_insert(1);
                *count += 1;
                let suffix = format!("_{count}");
                wire.clone_from(&base);
                wire.truncate(rule.max_len() - suffix.len());
                wire.push_str(&suffix);
            }
            map.back.insert(wire.clone(), name.to_owned());
            map.forward.insert(name.to_owned(), wire);
        }
        map
    }

    pub(crate) fn changed(&self) -> bool {
        !self.forward.is_empty()
    }

    /// The provider's name.
    pub(crate) fn wire<'a>(&self, name: &Cow<'a, str>) -> Cow<'a, str> {
        self.forward.get(&**name).map_or_else(|| name.clone(), |wire| Cow::Owned(wire.clone()))
    }

    /// The client's name.
    pub(crate) fn original<'n>(&'n self, wire: &'n str) -> &'n str {
        self.back.get(wire).map_or(wire, String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::{NameMap, NameRule};

    #[test]
    fn names_stay_distinct_and_come_back() {
        let long = "m".repeat(80);
        let longer = format!("{long}x");
        let names = ["fs.read/file", "fs_read_file", "fs read file", &long, &longer, "é", "", "ok"];
        for rule in [NameRule::Claude, NameRule::OpenAi, NameRule::Gemini] {
            let map = NameMap::new(rule, names.into_iter());
            let wires: std::collections::HashSet<String> =
                names.iter().map(|name| map.wire(&(*name).into()).into_owned()).collect();
            assert_eq!(wires.len(), names.len());
            for name in names {
                let wire = map.wire(&name.into());
                assert!(rule.fits(&wire), "{wire}");
                assert_eq!(map.original(&wire), name);
            }
            assert_eq!(map.wire(&"fs_read_file".into()), "fs_read_file");
        }
    }
}
