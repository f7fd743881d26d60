//! Who could serve a request, if all are well: found once for all that is asked about them at admission.

use std::sync::{Arc, OnceLock};

use hub_rate_limit::Limits;
use hub_routing::{CompiledProvider, RoutingFacts, is_candidate, redirect};
use hub_types::{Provider, ProviderId};
use jiff::civil::Time;
use smallvec::SmallVec;

use super::Catalogue;
use crate::expectation::{Rate, Rates};

type Found<'a> = SmallVec<[&'a Arc<CompiledProvider>; 8]>;

/// See the module's documentation. They are looked for when somebody asks.
pub(crate) struct Prospects<'a> {
    catalogue: &'a Catalogue,
    facts: &'a RoutingFacts<'a>,
    local_time: Time,
    found: OnceLock<Found<'a>>,
}

impl<'a> Prospects<'a> {
    pub(crate) fn new(catalogue: &'a Catalogue, facts: &'a RoutingFacts<'a>, local_time: Time) -> Self {
        Self { catalogue, facts, local_time, found: OnceLock::new() }
    }

    pub(super) fn find<'c>(
        catalogue: &'c Catalogue,
        facts: &RoutingFacts<'_>,
        local_time: Time,
    ) -> Found<'c> {
        let all = catalogue.candidates.providers().iter();
        all.filter(|one| is_candidate(one, facts, local_time)).collect()
    }

    fn all(&self) -> &Found<'a> {
        self.found.get_or_init(|| Self::find(self.catalogue, self.facts, self.local_time))
    }

    /// All of them.
    pub(crate) fn ids(&self) -> impl Iterator<Item = ProviderId> {
        self.all().iter().map(|one| one.provider().id)
    }

    /// Those with money limits.
    pub(crate) fn limited(&self) -> impl Iterator<Item = (&Provider, Limits<'_>)> {
        let all = if self.catalogue.has_limits { self.all().as_slice() } else { &[] };
        let limits = all.iter().map(|one| (&**one.provider(), Limits::from(&**one.provider())));
        limits.filter(|(_, limits)| limits.are_set())
    }

    /// What a model costs at each of them: what has to be reckoned with before one is chosen. Each rate once.
    /// `by_name_sent`: billed is the model that is sent.
    pub(crate) fn rates(&self, by_name_sent: bool) -> Rates<'_> {
        let mut rates = Rates::new();
        let Some(asked) = self.facts.model else { return rates };
        for one in self.all() {
            let sent = Some(asked).filter(|_| !by_name_sent).or_else(|| redirect(one, asked));
            let provider = one.provider();
            let rate = Rate {
                price: self.catalogue.prices.find(sent.unwrap_or(asked)),
                provider: provider.cost_multiplier,
                group: self.catalogue.group_multiplier(self.facts.groups, &provider.group_tag),
            };
            if !rates.iter().any(|known| known.is(&rate)) {
                rates.push(rate);
            }
        }
        rates
    }
}
