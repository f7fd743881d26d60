//! Choices of recorded requests, computed again, under the catalogue of then or another one.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use hub_types::{BindingRecord, PickRecord, Provider, ProviderId, RequestRecord, RoutingRecord, RoutingStep};

use crate::{BindingVerdict, Catalogue, Health, HealthView, RoutingFacts, Survey, consult_binding, survey};

/// The healths that are known, by provider, and what the pick of the last step went by. Who is not in it is well.
#[derive(Debug, Clone, Default)]
pub struct KnownHealth(BTreeMap<ProviderId, Health>, PickRecord);

impl KnownHealth {
    /// Takes in what a recorded step says. `false` if it says a word that this version does not know.
    pub fn learn(&mut self, step: &RoutingStep) -> bool {
        let mut is_known = true;
        self.1.clone_from(&step.pick);
        for (word, ids) in &step.health {
            match Health::ALL.into_iter().find(|health| health.as_str() == word) {
                Some(health) => self.0.extend(ids.iter().map(|id| (*id, health))),
                None => is_known = false,
            }
        }
        is_known
    }
}

impl HealthView for KnownHealth {
    fn health(&self, provider: &Provider) -> Health {
        self.0.get(&provider.id).copied().unwrap_or(Health::Admit)
    }
}

/// A view of health that notes what it tells, for the record: only of those who were asked about, and only what
/// is new since the last step.
pub struct NotedHealth<'a> {
    inner: &'a dyn HealthView,
    known: &'a mut KnownHealth,
    /// Most tell nothing new, and cost nothing here.
    news: RefCell<BTreeMap<ProviderId, Health>>,
}

impl std::fmt::Debug for NotedHealth<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NotedHealth").field("news", &self.news).finish_non_exhaustive()
    }
}

impl<'a> NotedHealth<'a> {
    /// Listens to another view; `known` is what the steps before have said.
    pub fn new(inner: &'a dyn HealthView, known: &'a mut KnownHealth) -> Self {
        Self { inner, known, news: RefCell::default() }
    }

    /// What was new, as a step has it.
    pub fn into_news(self) -> BTreeMap<Cow<'static, str>, Vec<ProviderId>> {
        let mut words: BTreeMap<_, Vec<ProviderId>> = BTreeMap::new();
        for (id, health) in self.news.into_inner() {
            self.known.0.insert(id, health);
            words.entry(health.as_str().into()).or_default().push(id);
        }
        words
    }
}

impl HealthView for NotedHealth<'_> {
    /// Tells the same of a provider each time it is asked: a step goes by one state of things.
    fn health(&self, provider: &Provider) -> Health {
        if let Some(health) = self.news.borrow().get(&provider.id) {
            return *health;
        }
        let health = self.inner.health(provider);
        if health != self.known.health(provider) {
            self.news.borrow_mut().insert(provider.id, health);
        }
        health
    }
}

/// A choice that was computed again.
#[derive(Debug)]
pub struct Replayed<'a> {
    /// What came of the session's binding, if it was consulted.
    pub binding: Option<BindingVerdict>,
    /// Who came into question; `None` if the binding was followed.
    pub survey: Option<Survey<'a>>,
    /// Who is chosen.
    pub picked: Option<ProviderId>,
    /// The priority of the one chosen.
    pub priority: i32,
    /// How likely the choice is, in millionths.
    pub probability_ppm: u32,
}

impl Replayed<'_> {
    /// Is it what was recorded? The stages of the request are those of its last choice before anybody was tried.
    pub fn equals(&self, step: &RoutingStep) -> bool {
        (self.picked, self.probability_ppm) == (step.picked, step.probability_ppm)
            && (self.picked.is_none() || self.priority == step.priority)
            && self.binding.as_ref().map(BindingVerdict::as_str)
                == step.binding.as_ref().map(|binding| binding.verdict.as_ref())
    }
}

/// The facts of a recorded request that choices go by.
pub fn recorded_facts<'a>(record: &'a RequestRecord, routing: &'a RoutingRecord) -> RoutingFacts<'a> {
    RoutingFacts {
        groups: &routing.groups,
        dialect: record.dialect,
        convertible: routing.convertible,
        model: record.model.as_deref(),
        client_name: record.client.name.as_deref(),
    }
}

/// Computes one choice again. `health` knows what this step and those before it say; a `binding` of `None` leaves
/// the session's binding aside.
pub fn replay<'a>(
    catalogue: &'a Catalogue,
    facts: &RoutingFacts<'_>,
    health: &KnownHealth,
    routing: &RoutingRecord,
    excluded: &[ProviderId],
    binding: Option<&BindingRecord>,
) -> Replayed<'a> {
    let at = routing.local_time;
    let verdict = binding.map(|binding| {
        let idle = binding.idle_us.map(Duration::from_micros);
        consult_binding(catalogue, facts, health, at, binding.provider_id, idle)
    });
    if let Some(BindingVerdict::Follow { provider, priority }) = &verdict {
        let (picked, priority) = (Some(provider.provider().id), *priority);
        return Replayed { binding: verdict, survey: None, picked, priority, probability_ppm: 1_000_000 };
    }
    let mut survey = survey(catalogue, facts, health, excluded, at);
    let (picked, probability_ppm) = survey.pick_as_recorded(&health.1, routing.seed).unzip();
    let probability_ppm = probability_ppm.unwrap_or(0);
    let picked = picked.map(|provider| provider.provider().id);
    Replayed { binding: verdict, priority: survey.priority, survey: Some(survey), picked, probability_ppm }
}

#[cfg(test)]
mod tests;
