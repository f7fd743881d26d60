//! What is kept of the choice of providers, so that it can be computed again: the request's side in its record,
//! and the providers' side as shapes.
//!
//! Records hold these types: add fields with defaults, rename nothing.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::civil::Time;
use serde::{Deserialize, Serialize};

use crate::{
    Conversion, FailBack, GroupSet, ModelRedirect, ModelRule, Provider, ProviderId, ProviderType, Secret,
};

/// Everything that went into the choices of one request and does not stand in its record already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutingRecord {
    /// The version of the catalogue that the request went by.
    pub catalogue: i64,
    /// Providers of that version that this hub left out of its catalogue.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<ProviderId>,
    /// What the weighted picks were drawn with.
    pub seed: u64,
    /// The time of day in the hub's zone.
    pub local_time: Time,
    /// The groups of the key, or else of the user.
    #[serde(default, skip_serializing_if = "GroupSet::is_empty")]
    pub groups: GroupSet,
    /// Could it go to providers of another dialect?
    #[serde(default, skip_serializing_if = "Convertible::is_unasked")]
    pub convertible: Convertible,
    /// The choices, in order. Not all of them, if there were very many.
    #[serde(default)]
    pub steps: Vec<RoutingStep>,
}

/// May a request go to providers of another dialect?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Convertible {
    /// Nobody asked: the hub that chose did not convert.
    #[default]
    Unasked,
    /// No: what it asks for can't be said in another dialect.
    No,
    /// Yes, where no provider of the client's own dialect is left.
    Yes,
}

impl Convertible {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    const fn is_unasked(&self) -> bool {
        matches!(self, Self::Unasked)
    }
}

impl RoutingRecord {
    /// More choices than this are not kept of one request.
    pub const MOST_STEPS: usize = 32;
}

/// One choice.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RoutingStep {
    /// Who had been tried before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<ProviderId>,
    /// Whose health was found to be other than in the step before (in the first step: other than well), by the
    /// word for it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub health: BTreeMap<Cow<'static, str>, Vec<ProviderId>>,
    /// The binding of the session, if it was consulted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binding: Option<BindingRecord>,
    /// Who was chosen; `None` if nobody was left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picked: Option<ProviderId>,
    /// The priority of the one chosen.
    #[serde(skip_serializing_if = "is_zero")]
    pub priority: i32,
    /// How likely the choice was, in millionths.
    pub probability_ppm: u32,
    /// What the pick among those left went by.
    #[serde(skip_serializing_if = "PickRecord::is_default")]
    pub pick: PickRecord,
}

/// How one of those left is picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PickRule {
    /// By weight, with one number for all: what records without a rule went by.
    #[default]
    Weighted,
    /// By weight, with a number of its own for each provider.
    Rendezvous,
    /// Whoever has rested longest.
    LeastRecentlyUsed,
}

/// What a pick went by.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PickRecord {
    /// How.
    pub rule: PickRule,
    /// When those left were last used, in milliseconds since 1970; who is not in it never was. Only where the rule
    /// asks for it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub last_used: BTreeMap<ProviderId, i64>,
}

impl PickRecord {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &i32) -> bool {
    *number == 0
}

/// A binding that was held against the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindingRecord {
    /// The provider that the session was bound to.
    pub provider_id: ProviderId,
    /// The time since the session's last request, in microseconds, if it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_us: Option<u64>,
    /// What came of it, in a word.
    pub verdict: Cow<'static, str>,
}

/// A provider as far as choosing goes by it: what is kept of every version of its row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderShape {
    /// The row.
    pub id: ProviderId,
    /// Its name.
    pub name: String,
    /// What kind of account.
    pub provider_type: ProviderType,
    /// Takes part in choosing.
    pub is_enabled: bool,
    /// Smaller is better.
    pub priority: i32,
    /// Priority for some groups only, by group name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub group_priorities: BTreeMap<String, i32>,
    /// Share among equals.
    pub weight: u32,
    /// Whom it serves.
    #[serde(default, skip_serializing_if = "GroupSet::is_empty")]
    pub group_tag: GroupSet,
    /// Models it serves; empty = all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_models: Vec<ModelRule>,
    /// Models it serves under another name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub model_redirects: Vec<ModelRedirect>,
    /// Client names it serves; empty = all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_clients: Vec<String>,
    /// Client names it does not serve.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked_clients: Vec<String>,
    /// Start of its daily active time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_time_start: Option<Time>,
    /// End of its daily active time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_time_end: Option<Time>,
    /// May it serve other dialects?
    #[serde(default)]
    pub conversion: Conversion,
    /// Do sessions come back after a failure?
    #[serde(default)]
    pub fail_back: FailBack,
}

impl From<&Provider> for ProviderShape {
    fn from(provider: &Provider) -> Self {
        Self {
            id: provider.id,
            name: provider.name.clone(),
            provider_type: provider.provider_type,
            is_enabled: provider.is_enabled,
            priority: provider.priority,
            group_priorities: provider.group_priorities.clone(),
            weight: provider.weight,
            group_tag: provider.group_tag.clone(),
            allowed_models: provider.allowed_models.clone(),
            model_redirects: provider.model_redirects.clone(),
            allowed_clients: provider.allowed_clients.clone(),
            blocked_clients: provider.blocked_clients.clone(),
            active_time_start: provider.active_time_start,
            active_time_end: provider.active_time_end,
            conversion: provider.conversion,
            fail_back: provider.fail_back,
        }
    }
}

impl From<ProviderShape> for Provider {
    /// A provider that can be chosen and not be sent to: it has no URL and no credential.
    fn from(shape: ProviderShape) -> Self {
        Self {
            is_enabled: shape.is_enabled,
            priority: shape.priority,
            group_priorities: shape.group_priorities,
            weight: shape.weight,
            group_tag: shape.group_tag,
            allowed_models: shape.allowed_models,
            model_redirects: shape.model_redirects,
            allowed_clients: shape.allowed_clients,
            blocked_clients: shape.blocked_clients,
            active_time_start: shape.active_time_start,
            active_time_end: shape.active_time_end,
            conversion: shape.conversion,
            fail_back: shape.fail_back,
            ..Self::new(shape.id, &shape.name, "", shape.provider_type, Secret::new(""))
        }
    }
}

#[cfg(test)]
mod tests;
