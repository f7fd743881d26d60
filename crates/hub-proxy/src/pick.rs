//! Step 6: the next provider to try. The session's own first, then whom the stages choose; who has as many
//! sessions as it may is passed over.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Time;
use smallvec::SmallVec;

use hub_circuit_breaker::BreakerConfig;
use hub_routing::{BindingVerdict, Health, KnownHealth, NotedHealth, Pick, RoutingFacts};
use hub_types::{
    Attempt, AttemptId, AttemptReason, BindingRecord, Caller, Dialect, PickRecord, Provider, ProviderId,
    RoutingRecord, RoutingStep, Timings,
};

use crate::Catalogue;
use crate::attempt::Underway;
use crate::breaker;
use crate::catalogue::{Choice, Upstream};
use crate::docket::Docket;
use crate::forward::Admitted;
use crate::metrics::BindingResult;
use crate::nobody::Nobody;
use crate::shared::Shared;

/// The candidates of one request, and what became of those that had their turn.
pub(crate) struct Candidates<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) caller: &'a Caller,
    pub(crate) facts: RoutingFacts<'a>,
    pub(crate) local_time: Time,
    spent: &'a [ProviderId],
    tried: SmallVec<[ProviderId; 4]>,
    /// Who does not come into question any more: those tried, and those whose dialect has no words for it.
    excluded: SmallVec<[ProviderId; 4]>,
    full: SmallVec<[ProviderId; 4]>,
    /// Their breakers did not let the request through.
    blocked: SmallVec<[ProviderId; 4]>,
    /// What the record says of health so far.
    known: KnownHealth,
}

impl<'a> Candidates<'a> {
    pub(crate) fn new(admitted: &'a Admitted, local_time: Time) -> Self {
        Self {
            catalogue: &admitted.catalogue,
            caller: &admitted.caller,
            facts: admitted.received.routing_facts(&admitted.caller),
            local_time,
            spent: &admitted.spent,
            tried: SmallVec::new(),
            excluded: SmallVec::new(),
            full: SmallVec::new(),
            blocked: SmallVec::new(),
            known: KnownHealth::default(),
        }
    }

    /// How many providers were asked.
    pub(crate) fn tried(&self) -> usize {
        self.tried.len()
    }

    /// The request can't be said in this dialect: nobody who speaks it comes into question, and the one that was
    /// picked last has not been asked.
    pub(crate) fn set_aside(&mut self, dialect: Dialect) {
        self.tried.pop();
        let speakers = self.catalogue.speaking(dialect).filter(|id| !self.excluded.contains(id));
        self.excluded.extend(speakers.collect::<Vec<_>>());
    }

    /// The attempt at the next one; `Err`: nobody is left.
    pub(crate) async fn next(
        &mut self,
        shared: &Arc<Shared>,
        docket: &mut Docket,
    ) -> Result<Underway, Nobody> {
        loop {
            let (choice, reason, binding) = self.choose(shared, docket);
            if self.excluded.is_empty() {
                docket.record().stages.clone_from(&choice.stages);
            }
            let Some(upstream) = choice.picked.clone() else {
                self.count(shared, binding);
                let nobody = Nobody::new(choice.stages);
                let is_told = shared.options.verbose_provider_error;
                return Err(if is_told { nobody.naming(&choice.dropped, self.catalogue) } else { nobody });
            };
            let provider = &upstream.provider;
            // The breaker's word comes last: a trial is to be used.
            let has_slot = take_slot(shared, docket, provider).await;
            let reason = if has_slot { reason } else { AttemptReason::ConcurrentLimitFailed };
            let attempt = self.begin(docket, &choice, &upstream, reason);
            if !has_slot {
                docket.record().attempts.push(attempt);
                shared.metrics.provider_full();
                self.full.push(provider.id);
                continue;
            }
            let Some(trying) = breaker::enter(shared, provider).await else {
                give_back(shared, docket, provider.id).await;
                self.blocked.push(provider.id);
                continue;
            };
            self.count(shared, binding);
            self.tried.push(provider.id);
            shared.last_use.note(provider.id, shared.clock.now().as_millisecond());
            self.excluded.push(provider.id);
            return Ok(Underway::begin(docket, upstream, attempt, trying));
        }
    }

    /// Only the first provider that is asked says anything about the binding.
    fn count(&self, shared: &Shared, binding: BindingResult) {
        if self.excluded.is_empty() {
            shared.metrics.consulted(binding);
        }
    }

    /// Chooses, and writes down what the choice went by.
    fn choose(&mut self, shared: &Shared, docket: &mut Docket) -> (Choice, AttemptReason, BindingResult) {
        let mut known = std::mem::take(&mut self.known);
        let health = |provider: &Provider| {
            let now = shared.clock.now();
            if self.blocked.contains(&provider.id) || is_open(shared, provider, now) {
                Health::CircuitOpen
            } else if shared.cool_downs.until(provider.id, now).is_some() {
                Health::CoolingDown
            } else if self.spent.contains(&provider.id) {
                Health::RateLimited
            } else if self.full.contains(&provider.id) {
                Health::ConcurrentLimit
            } else {
                Health::Admit
            }
        };
        let noted = NotedHealth::new(&health, &mut known);
        let (mut binding, mut consulted) = (BindingResult::None, None);
        // The lower half of a UUIDv7 is chance.
        let mut seed = docket.id().0.as_u64_pair().1;
        let mut followed = None;
        let now = docket.record().created_at;
        if let Some(ticket) = docket.ticket() {
            seed = ticket.seed().unwrap_or(seed);
            // Found out when the provider that had been chosen instead turned out to be full.
            if ticket.is_stale() {
                binding = BindingResult::Dropped;
            }
            if let (true, Some(bound)) = (self.excluded.is_empty(), ticket.bound()) {
                let last_seen = ticket.present.last_seen;
                let idle = last_seen.and_then(|seen| Duration::try_from(now.duration_since(seen)).ok());
                let (verdict, choice) =
                    self.catalogue.consult(&self.facts, &noted, self.local_time, bound, idle);
                consulted = Some(BindingRecord {
                    provider_id: bound,
                    idle_us: idle.and_then(|idle| u64::try_from(idle.as_micros()).ok()),
                    verdict: verdict.as_str().into(),
                });
                binding = match verdict {
                    BindingVerdict::Follow { .. } if choice.is_some() => BindingResult::Followed,
                    BindingVerdict::Follow { .. } | BindingVerdict::Drop => {
                        ticket.mark_stale();
                        BindingResult::Dropped
                    }
                    BindingVerdict::PassOver(_) => BindingResult::PassedOver,
                    BindingVerdict::Return => BindingResult::Returned,
                };
                followed = choice;
            }
        }
        let reason = match followed {
            Some(_) => AttemptReason::SessionReuse,
            None if self.tried.is_empty() => AttemptReason::InitialSelection,
            None => AttemptReason::Failover,
        };
        let mut by = PickRecord::default();
        let choice = followed.unwrap_or_else(|| {
            let last_used = RefCell::new(BTreeMap::new());
            let asked = |id| *last_used.borrow_mut().entry(id).or_insert_with(|| shared.last_use.of(id));
            let pick = Pick { rule: shared.options.pick_rule, seed, last_used: &asked };
            let choice = self.catalogue.choose(&self.facts, &noted, &self.excluded, self.local_time, &pick);
            by = PickRecord { rule: pick.rule, last_used: last_used.into_inner() };
            choice
        });
        let step = RoutingStep {
            excluded: self.excluded.to_vec(),
            health: noted.into_news(),
            binding: consulted,
            picked: choice.picked.as_ref().map(|upstream| upstream.provider.id),
            priority: choice.priority,
            probability_ppm: choice.probability_ppm,
            pick: by,
        };
        self.known = known;
        self.write_down(docket, seed, step);
        (choice, reason, binding)
    }

    /// Puts a choice on the record. A model whose name is too long for the record can't be chosen for again: of
    /// such a request nothing is kept.
    fn write_down(&self, docket: &mut Docket, seed: u64, step: RoutingStep) {
        let record = docket.record();
        if record.model.as_deref() != self.facts.model {
            return;
        }
        let routing = record.routing.get_or_insert_with(|| {
            Box::new(RoutingRecord {
                catalogue: self.catalogue.version(),
                left_out: self.catalogue.left_out().to_vec(),
                seed,
                local_time: self.local_time,
                groups: self.facts.groups.clone(),
                convertible: self.facts.convertible,
                steps: Vec::with_capacity(1),
            })
        });
        if routing.steps.len() < RoutingRecord::MOST_STEPS {
            routing.steps.push(step);
        }
    }

    fn begin(&self, docket: &Docket, choice: &Choice, upstream: &Upstream, reason: AttemptReason) -> Attempt {
        let provider = &upstream.provider;
        Attempt {
            id: AttemptId::fresh(),
            provider_id: provider.id,
            provider_name: provider.name.clone(),
            provider_type: provider.provider_type,
            reason,
            priority: choice.priority,
            weight: provider.weight,
            probability_ppm: choice.probability_ppm,
            is_trial: false,
            host: upstream.host_name.clone(),
            sent_model: None,
            upstream_model: None,
            status: None,
            class: None,
            error_rule_id: None,
            error: None,
            timings: Timings { queued_us: docket.elapsed_us(), ..Timings::default() },
            usage: None,
            usage_source: None,
            cost: None,
            cost_breakdown: None,
            price_version: None,
            provider_multiplier: provider.cost_multiplier,
            group_multiplier: self.catalogue.group_multiplier(self.caller.groups(), &provider.group_tag),
        }
    }
}

fn is_open(shared: &Shared, provider: &Provider, now: Timestamp) -> bool {
    let health = shared.breakers.health(provider.id, BreakerConfig::from(provider), now);
    !health.admits()
}

/// Counts the session at the provider. If that can't be known, it may.
async fn take_slot(shared: &Shared, docket: &mut Docket, provider: &Provider) -> bool {
    let now = docket.record().created_at;
    match docket.ticket() {
        Some(ticket) => ticket.take_slot(shared, provider, now).await,
        None => true,
    }
}

/// The attempt failed: the session does not stay counted at a provider that it is not bound to.
pub(crate) async fn give_back(shared: &Shared, docket: &mut Docket, provider: ProviderId) {
    if let Some(ticket) = docket.ticket() {
        ticket.give_back(shared, provider).await;
    }
}
