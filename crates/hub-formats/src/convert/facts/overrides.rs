//! What a provider's settings know better than the table.

use serde::{Deserialize, Serialize};

use super::{Level, ModelFacts, ThinkingStyle, matches};

/// Facts of some models of one provider, as its settings have them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelOverride {
    /// The models, by their names at the provider, in lower case; `*` stands for any text.
    pub models: String,
    /// What differs from the table.
    #[serde(flatten)]
    pub facts: FactOverrides,
}

/// Facts that take the place of those in the table; what is not said stays. See [`ModelFacts`] for each.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FactOverrides {
    /// How the model is told to think.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking: Option<ThinkingStyle>,
    /// The levels that it knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub levels: Option<Vec<Level>>,
    /// The least and the most tokens of a budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<(u64, u64)>,
    /// The most tokens of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output: Option<u64>,
    /// Takes temperature and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampling: Option<bool>,
    /// Takes either temperature or top_p.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclusive_sampling: Option<bool>,
    /// Takes a schema for its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<bool>,
    /// Wants the signatures of its calls back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signatures: Option<bool>,
    /// Its thinking can be switched off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_stop_thinking: Option<bool>,
    /// Takes system turns in the middle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mid_system: Option<bool>,
    /// Takes tools with plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_tools: Option<bool>,
}

impl ModelFacts {
    /// The facts of a model at a provider that knows some of them better. Of several overrides that fit, later
    /// ones win.
    pub fn at_provider(model: &str, overrides: &[ModelOverride]) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
        let fitting = overrides.iter().filter(|one| matches(&one.models, &name));
        fitting.fold(Self::of(model), |facts, one| facts.over(&one.facts))
    }

    fn over(mut self, other: &FactOverrides) -> Self {
        fn take<T: Clone>(slot: &mut T, value: Option<&T>) {
            if let Some(value) = value {
                slot.clone_from(value);
            }
        }
        take(&mut self.style, other.thinking.as_ref());
        take(&mut self.levels, other.levels.as_ref());
        self.budget = other.budget.or(self.budget);
        self.max_output = other.max_output.or(self.max_output);
        take(&mut self.sampling, other.sampling.as_ref());
        take(&mut self.exclusive_sampling, other.exclusive_sampling.as_ref());
        take(&mut self.schema, other.schema.as_ref());
        take(&mut self.signatures, other.signatures.as_ref());
        take(&mut self.can_stop_thinking, other.can_stop_thinking.as_ref());
        take(&mut self.mid_system, other.mid_system.as_ref());
        take(&mut self.custom_tools, other.custom_tools.as_ref());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{ModelFacts, ModelOverride, ThinkingStyle};

    #[test]
    fn a_providers_settings_know_better_than_the_table() {
        let text = r#"[{"models":"house-*","thinking":"effort","max_output":9000},
            {"models":"house-small","thinking":"none","sampling":false,"budget":[1,2]}]"#;
        let overrides: Vec<ModelOverride> = serde_json::from_str(text).unwrap();
        let large = ModelFacts::at_provider("vendor/House-Large", &overrides);
        assert_eq!(
            (large.style, large.max_output, large.sampling),
            (ThinkingStyle::Effort, Some(9000), true)
        );
        let small = ModelFacts::at_provider("house-small", &overrides);
        assert_eq!((small.style, small.max_output, small.sampling), (ThinkingStyle::None, Some(9000), false));
        assert_eq!(small.budget, Some((1, 2)));
        assert_eq!(ModelFacts::at_provider("gpt-5", &overrides), ModelFacts::of("gpt-5"));
        let again: Vec<ModelOverride> =
            serde_json::from_str(&serde_json::to_string(&overrides).unwrap()).unwrap();
        assert_eq!(again, overrides);
    }
}
