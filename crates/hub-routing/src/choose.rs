//! The choice of a provider: stages that filter, then a weighted pick.

use std::sync::Arc;

use hub_types::{Conversion, Convertible, Dialect, GroupSet, Provider, ProviderId, StageCount};
use jiff::civil::Time;

use crate::{Catalogue, CompiledProvider};

/// What the choice needs to know of a request.
#[derive(Debug, Clone, Copy)]
pub struct RoutingFacts<'a> {
    /// The key's groups, or else the user's.
    pub groups: &'a GroupSet,
    /// The client's dialect.
    pub dialect: Dialect,
    /// May it go to a provider of another dialect?
    pub convertible: Convertible,
    /// The requested model, if one is named.
    pub model: Option<&'a str>,
    /// The client program's name, if known.
    pub client_name: Option<&'a str>,
}

/// May a provider be asked now?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Yes: breaker closed, or a trial permit is free.
    Admit,
    /// The breaker is open.
    CircuitOpen,
    /// One of its money limits is used up.
    RateLimited,
    /// The upstream asked for a pause.
    CoolingDown,
    /// It has as many sessions as it may.
    ConcurrentLimit,
}

impl Health {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Admit, Self::CircuitOpen, Self::RateLimited, Self::CoolingDown, Self::ConcurrentLimit];

    /// The stable word; for all but the first that of the reason to drop a provider for it.
    pub const fn as_str(self) -> &'static str {
        match self.fault() {
            None => "well",
            Some(reason) => reason.as_str(),
        }
    }

    /// The reason to drop a provider in this state.
    pub(crate) const fn fault(self) -> Option<DropReason> {
        match self {
            Self::Admit => None,
            Self::CircuitOpen => Some(DropReason::CircuitOpen),
            Self::RateLimited => Some(DropReason::RateLimited),
            Self::CoolingDown => Some(DropReason::CoolingDown),
            Self::ConcurrentLimit => Some(DropReason::ConcurrentLimit),
        }
    }
}

/// Where the choice learns of health.
pub trait HealthView {
    /// The health of one provider at the time of the choice.
    fn health(&self, provider: &Provider) -> Health;
}

/// A view in which everybody is well.
#[derive(Debug, Clone, Copy, Default)]
pub struct AlwaysClosed;

impl HealthView for AlwaysClosed {
    fn health(&self, _: &Provider) -> Health {
        Health::Admit
    }
}

impl<F: Fn(&Provider) -> Health> HealthView for F {
    fn health(&self, provider: &Provider) -> Health {
        self(provider)
    }
}

/// Why a provider was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// Its groups and the request's do not meet.
    GroupFiltered,
    /// Switched off.
    Disabled,
    /// Outside its daily time.
    ScheduleInactive,
    /// Tried already in this request.
    Excluded,
    /// It does not serve this client.
    ClientRestriction,
    /// It does not serve this model.
    ModelNotAllowed,
    /// It speaks another dialect, and conversion is not allowed, not possible or not needed.
    DialectMismatch,
    /// Its breaker is open.
    CircuitOpen,
    /// Its limits are used up.
    RateLimited,
    /// It asked for a pause.
    CoolingDown,
    /// It has as many sessions as it may.
    ConcurrentLimit,
    /// A provider of better priority is there.
    LowerPriority,
}

impl DropReason {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GroupFiltered => "group_filtered",
            Self::Disabled => "disabled",
            Self::ScheduleInactive => "schedule_inactive",
            Self::Excluded => "excluded",
            Self::ClientRestriction => "client_restriction",
            Self::ModelNotAllowed => "model_not_allowed",
            Self::DialectMismatch => "dialect_mismatch",
            Self::CircuitOpen => "circuit_open",
            Self::RateLimited => "rate_limited",
            Self::CoolingDown => "cooling_down",
            Self::ConcurrentLimit => "concurrent_limit_failed",
            Self::LowerPriority => "lower_priority",
        }
    }

    /// The stage that drops for this reason.
    pub fn stage_name(self) -> &'static str {
        STAGES.get(self.stage()).copied().unwrap_or("priority")
    }

    /// The stage, counted from 0.
    const fn stage(self) -> usize {
        match self {
            Self::GroupFiltered => 0,
            Self::Disabled | Self::ScheduleInactive | Self::Excluded => 1,
            Self::ClientRestriction => 2,
            Self::ModelNotAllowed => 3,
            Self::DialectMismatch => 4,
            Self::CircuitOpen | Self::RateLimited | Self::CoolingDown | Self::ConcurrentLimit => 5,
            Self::LowerPriority => 6,
        }
    }
}

const STAGES: [&str; 7] = ["group", "enabled", "client", "model", "dialect", "health", "priority"];

/// A provider that was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// Who.
    pub provider_id: ProviderId,
    /// Why.
    pub reason: DropReason,
}

/// Who comes into question for a request, and who does not.
#[derive(Debug)]
pub struct Survey<'a> {
    /// Those that the stages left, ordered by id.
    pub candidates: Vec<Candidate<'a>>,
    /// Their priority for this request.
    pub priority: i32,
    /// Who was dropped, and why; ordered by id.
    pub dropped: Vec<Dropped>,
    left: [u32; STAGES.len()],
}

/// A provider that may be picked.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The provider.
    pub provider: &'a Arc<CompiledProvider>,
    /// How likely it is to be picked, in millionths.
    pub probability_ppm: u32,
    pub(crate) share: u64,
}

impl Survey<'_> {
    /// How many providers each stage left, in the stages' order.
    pub fn stages(&self) -> Vec<StageCount> {
        stage_counts(&self.left)
    }

    /// The stage that left nobody; `None` if somebody is left.
    pub fn emptied_by(&self) -> Option<&'static str> {
        emptied_by(&self.left)
    }

    /// Draws one of the candidates.
    pub fn pick(&self, seed: u64) -> Option<Candidate<'_>> {
        let sum = self.candidates.iter().map(|candidate| candidate.share).sum();
        let mut point = below(seed, sum);
        for candidate in &self.candidates {
            if point < candidate.share {
                return Some(*candidate);
            }
            point -= candidate.share;
        }
        None
    }
}

fn stage_counts(left: &[u32; STAGES.len()]) -> Vec<StageCount> {
    STAGES.into_iter().zip(*left).map(|(stage, left)| StageCount { stage: stage.into(), left }).collect()
}

fn emptied_by(left: &[u32; STAGES.len()]) -> Option<&'static str> {
    STAGES.into_iter().zip(*left).find(|&(_, left)| left == 0).map(|(stage, _)| stage)
}

/// What was chosen, and how.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The provider; `None` if nobody is left.
    pub picked: Option<Arc<CompiledProvider>>,
    /// Its priority for this request.
    pub priority: i32,
    /// How likely this pick was, in millionths; 0 if nobody was picked.
    pub probability_ppm: u32,
    /// Who was dropped, and why; ordered by id.
    pub dropped: Vec<Dropped>,
    left: [u32; STAGES.len()],
}

impl Decision {
    /// How many providers each stage left, in the stages' order.
    pub fn stages(&self) -> Vec<StageCount> {
        stage_counts(&self.left)
    }

    /// The stage that left nobody; `None` if somebody was picked.
    pub fn emptied_by(&self) -> Option<&'static str> {
        emptied_by(&self.left)
    }
}

/// Chooses a provider. The same values give the same decision.
///
/// `excluded` are those tried already, `local_time` is the time of day in the system's zone, and `seed` makes the
/// weighted pick.
pub fn choose(
    catalogue: &Catalogue,
    facts: &RoutingFacts<'_>,
    health: &dyn HealthView,
    excluded: &[ProviderId],
    local_time: Time,
    seed: u64,
) -> Decision {
    let survey = survey(catalogue, facts, health, excluded, local_time);
    let picked = survey.pick(seed);
    Decision {
        picked: picked.map(|candidate| Arc::clone(candidate.provider)),
        priority: survey.priority,
        probability_ppm: picked.map_or(0, |candidate| candidate.probability_ppm),
        left: survey.left,
        dropped: survey.dropped,
    }
}

/// Passes all providers through the stages, up to the pick; [`choose`] is this and [`Survey::pick`].
pub fn survey<'a>(
    catalogue: &'a Catalogue,
    facts: &RoutingFacts<'_>,
    health: &dyn HealthView,
    excluded: &[ProviderId],
    local_time: Time,
) -> Survey<'a> {
    let all = u32::try_from(catalogue.providers().len()).unwrap_or(u32::MAX);
    let mut survey =
        Survey { candidates: Vec::new(), priority: 0, dropped: Vec::new(), left: [all; STAGES.len()] };
    let mut survivors: Vec<(&Arc<CompiledProvider>, i32)> = Vec::with_capacity(catalogue.providers().len());
    let mut foreign: Vec<&Arc<CompiledProvider>> = Vec::new();
    for compiled in catalogue.providers() {
        let provider = compiled.provider();
        match (unfit(compiled, facts, excluded, local_time), kinship(compiled, facts)) {
            (Some(reason), _) => survey.drop_one(provider.id, reason),
            (None, Kinship::Native) => match health.health(provider).fault() {
                Some(reason) => survey.drop_one(provider.id, reason),
                None => survivors.push((compiled, priority(provider, facts.groups))),
            },
            (None, Kinship::Foreign) => foreign.push(compiled),
            (None, Kinship::None) => survey.drop_one(provider.id, DropReason::DialectMismatch),
        }
    }
    // Only if no native provider can be asked now does anybody else come into question.
    let is_needed = survivors.is_empty();
    for compiled in foreign {
        let provider = compiled.provider();
        let reason =
            if is_needed { health.health(provider).fault() } else { Some(DropReason::DialectMismatch) };
        match reason {
            Some(reason) => survey.drop_one(provider.id, reason),
            None => survivors.push((compiled, priority(provider, facts.groups))),
        }
    }
    let best = survivors.iter().map(|&(_, priority)| priority).min();
    survivors.retain(|&(compiled, priority)| {
        let is_best = Some(priority) == best;
        if !is_best {
            survey.drop_one(compiled.provider().id, DropReason::LowerPriority);
        }
        is_best
    });
    survey.dropped.sort_by_key(|dropped| dropped.provider_id);
    let Some(best) = best else { return survey };
    survey.priority = best;
    let sum: u64 = survivors.iter().map(|(compiled, _)| u64::from(compiled.provider().weight)).sum();
    // All weights zero: everybody has the same share.
    let floor = u64::from(sum == 0);
    let sum = if sum == 0 { survivors.len() as u64 } else { sum };
    survey.candidates = survivors
        .into_iter()
        .map(|(provider, _)| {
            let share = u64::from(provider.provider().weight).max(floor);
            let probability_ppm = u32::try_from(share.saturating_mul(1_000_000) / sum).unwrap_or(1_000_000);
            Candidate { provider, probability_ppm, share }
        })
        .collect();
    survey
}

impl Survey<'_> {
    /// With the one picked and its probability in millionths.
    pub(crate) fn into_decision(self, picked: Option<(Arc<CompiledProvider>, u32)>) -> Decision {
        let (picked, probability_ppm) = picked.unzip();
        Decision {
            picked,
            priority: self.priority,
            probability_ppm: probability_ppm.unwrap_or(0),
            left: self.left,
            dropped: self.dropped,
        }
    }

    fn drop_one(&mut self, provider_id: ProviderId, reason: DropReason) {
        self.dropped.push(Dropped { provider_id, reason });
        for left in self.left.iter_mut().skip(reason.stage()) {
            *left = left.saturating_sub(1);
        }
    }
}

/// Could this provider be asked, now or after others have failed, if it is well?
pub fn is_candidate(provider: &CompiledProvider, facts: &RoutingFacts<'_>, local_time: Time) -> bool {
    fault(provider, facts, &AlwaysClosed, &[], local_time).is_none()
}

/// What a provider's dialect is to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kinship {
    /// The client's own.
    Native,
    /// Another one, and both request and provider may be converted.
    Foreign,
    /// Another one.
    None,
}

pub(crate) fn kinship(compiled: &CompiledProvider, facts: &RoutingFacts<'_>) -> Kinship {
    if compiled.dialect() == facts.dialect {
        Kinship::Native
    } else if facts.convertible == Convertible::Yes && compiled.provider().conversion == Conversion::Auto {
        Kinship::Foreign
    } else {
        Kinship::None
    }
}

/// The first stage that drops the provider, if no native one is there to make it superfluous.
pub(crate) fn fault(
    compiled: &CompiledProvider,
    facts: &RoutingFacts<'_>,
    health: &dyn HealthView,
    excluded: &[ProviderId],
    local_time: Time,
) -> Option<DropReason> {
    unfit(compiled, facts, excluded, local_time).or_else(|| match kinship(compiled, facts) {
        Kinship::None => Some(DropReason::DialectMismatch),
        Kinship::Native | Kinship::Foreign => health.health(compiled.provider()).fault(),
    })
}

/// The first of the stages before the dialect that drops the provider.
fn unfit(
    compiled: &CompiledProvider,
    facts: &RoutingFacts<'_>,
    excluded: &[ProviderId],
    local_time: Time,
) -> Option<DropReason> {
    let provider = compiled.provider();
    let names = |list: &[String]| {
        facts.client_name.is_some_and(|client| list.iter().any(|name| name.eq_ignore_ascii_case(client)))
    };
    if !provider.group_tag.meets(facts.groups) {
        Some(DropReason::GroupFiltered)
    } else if !provider.is_enabled {
        Some(DropReason::Disabled)
    } else if !is_active(provider, local_time) {
        Some(DropReason::ScheduleInactive)
    } else if excluded.contains(&provider.id) {
        Some(DropReason::Excluded)
    } else if names(&provider.blocked_clients)
        || !(provider.allowed_clients.is_empty() || names(&provider.allowed_clients))
    {
        Some(DropReason::ClientRestriction)
    } else if facts.model.is_some_and(|model| !compiled.admits(model)) {
        Some(DropReason::ModelNotAllowed)
    } else {
        None
    }
}

/// Inside the daily time? The start belongs to it, the end does not; an end before the start is past midnight.
fn is_active(provider: &Provider, now: Time) -> bool {
    let start = provider.active_time_start.unwrap_or(Time::MIN);
    match provider.active_time_end {
        None => now >= start,
        Some(end) if start < end => start <= now && now < end,
        Some(end) if start > end => now >= start || now < end,
        Some(_) => true,
    }
}

/// The best override for one of the request's groups, else the provider's own priority.
pub(crate) fn priority(provider: &Provider, groups: &GroupSet) -> i32 {
    if provider.group_priorities.is_empty() {
        return provider.priority;
    }
    let default = groups.is_empty().then_some(GroupSet::DEFAULT);
    let overrides = groups.names().chain(default).filter_map(|name| provider.group_priorities.get(name));
    overrides.min().copied().unwrap_or(provider.priority)
}

/// A number below `limit`, evenly spread over the seeds: neighbouring seeds give unrelated numbers.
fn below(seed: u64, limit: u64) -> u64 {
    let mut mixed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^= mixed >> 31;
    u64::try_from((u128::from(mixed) * u128::from(limit)) >> 64).unwrap_or(0)
}
