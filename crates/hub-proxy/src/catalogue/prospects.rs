//! Who could serve a request, if all are well: found once for all that is asked about them at admission.

use std::sync::{Arc, OnceLock};

use hub_pricing::{Price, Tier, cost};
use hub_rate_limit::Limits;
use hub_routing::{CompiledProvider, RoutingFacts, is_candidate, redirect};
use hub_types::{Multiplier, Provider, ProviderId, Usage};
use jiff::civil::Time;
use smallvec::SmallVec;

use super::Catalogue;

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

    /// The price of a model where it is dearest for this caller, with the multipliers of provider and group: what
    /// has to be reckoned with before a provider is chosen. `by_name_sent`: billed is the model that is sent.
    pub(crate) fn dearest(&self, by_name_sent: bool) -> Option<(&Price, Multiplier, Multiplier)> {
        let (catalogue, asked) = (self.catalogue, self.facts.model?);
        let priced = self.all().iter().filter_map(|one| {
            let sent = Some(asked).filter(|_| !by_name_sent).or_else(|| redirect(one, asked));
            let provider = one.provider();
            let group = catalogue.group_multiplier(self.facts.groups, &provider.group_tag);
            Some((catalogue.prices.find(sent.unwrap_or(asked))?, provider.cost_multiplier, group))
        });
        let typical = Usage { input: 1000, output: 1000, ..Usage::default() };
        priced.max_by_key(|(price, provider, group)| {
            cost(price, &typical, *provider, *group, Tier::Standard).total
        })
    }
}
