//! Which behaviour applies to which request.

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::behaviour::{Behaviour, ScriptError};

/// A script for a lab: a default behaviour, and rules by model name.
///
/// ```json
/// {"default": {"latency_ms": 20},
///  "models": [{"model": "claude-*", "sequence": [{"status": 529}, {"truncate_after": 1}], "then": {"chunks": 4}}]}
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// Lies under everything else.
    pub default: Behaviour,
    /// The first rule whose pattern matches the request's model lies over the default.
    pub models: Vec<ModelRule>,
}

/// What requests of a model do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelRule {
    /// A model name; `*` stands for any characters.
    pub model: String,
    /// The nth request that matches this rule behaves like the nth entry.
    pub sequence: Vec<Behaviour>,
    /// Begin the sequence again at its end.
    pub repeat: bool,
    /// What every request does that the sequence does not cover; lies under the sequence's entries too.
    pub then: Behaviour,
}

impl Scenario {
    /// The same behaviour for every request.
    pub fn always(behaviour: Behaviour) -> Self {
        Self { default: behaviour, models: Vec::new() }
    }

    /// The nth request (of any model) does what the nth entry says; later ones are healthy.
    pub fn sequence(entries: impl IntoIterator<Item = Behaviour>) -> Self {
        let rule =
            ModelRule { model: "*".into(), sequence: entries.into_iter().collect(), ..ModelRule::default() };
        Self { default: Behaviour::default(), models: vec![rule] }
    }

    /// Reads the JSON form.
    pub fn from_json(text: &[u8]) -> Result<Self, ScriptError> {
        serde_json::from_slice(text).map_err(ScriptError::new)
    }
}

/// A scenario being played: it counts the requests of each rule.
#[derive(Debug)]
pub(crate) struct Stage {
    scenario: Scenario,
    played: Mutex<Vec<usize>>,
}

impl Stage {
    pub(crate) fn new(scenario: Scenario) -> Self {
        let played = Mutex::new(vec![0; scenario.models.len()]);
        Self { scenario, played }
    }

    /// The same scenario from its beginning.
    pub(crate) fn rewound(&self) -> Self {
        Self::new(self.scenario.clone())
    }

    /// The behaviour for the next request of this model.
    pub(crate) fn next(&self, model: &str) -> Behaviour {
        let mut behaviour = self.scenario.default.clone();
        let matching = self.scenario.models.iter().enumerate().find(|(_, rule)| matches(&rule.model, model));
        let Some((index, rule)) = matching else { return behaviour };
        behaviour.overlay(&rule.then);
        if rule.sequence.is_empty() {
            return behaviour;
        }
        let turn = {
            let mut played = self.played.lock();
            let Some(count) = played.get_mut(index) else { return behaviour };
            let turn = *count;
            *count = count.saturating_add(1);
            turn
        };
        let turn = if rule.repeat { turn % rule.sequence.len() } else { turn };
        if let Some(entry) = rule.sequence.get(turn) {
            behaviour.overlay(entry);
        }
        behaviour
    }
}

/// Whether a name fits a pattern in which `*` stands for any characters.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_like_globs() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abde", false),
            ("aa*aa", "aaa", false),
            ("claude-*-5", "claude-opus-4-5", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_sequence_plays_once_and_then_the_rest_applies() {
        let stage = Stage::new(
            Scenario::from_json(br#"{"default":{"chunks":2},"models":[{"model":"m*","sequence":[{"status":500},{"status":429}],"then":{"split":1}}]}"#)
                .unwrap(),
        );
        assert_eq!(stage.next("other").status, None);
        let seen: Vec<_> = (0..3).map(|_| stage.next("m1").status).collect();
        assert_eq!(seen, [Some(500), Some(429), None]);
        let last = stage.next("m2");
        assert_eq!((last.chunks, last.split), (Some(2), Some(1)));
        assert_eq!(stage.rewound().next("m1").status, Some(500));
    }

    #[test]
    fn a_repeating_sequence_begins_again() {
        let rule = ModelRule {
            model: "m".into(),
            sequence: vec![Behaviour { status: Some(500), ..Behaviour::default() }, Behaviour::default()],
            repeat: true,
            then: Behaviour::default(),
        };
        let stage = Stage::new(Scenario { default: Behaviour::default(), models: vec![rule] });
        let seen: Vec<_> = (0..4).map(|_| stage.next("m").status).collect();
        assert_eq!(seen, [Some(500), None, Some(500), None]);
    }
}
