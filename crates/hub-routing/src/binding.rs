//! Whether a session stays with the provider it is bound to.

use std::sync::Arc;
use std::time::Duration;

use hub_types::{Conversion, Convertible, FailBack, ProviderId};
use jiff::civil::Time;

use crate::choose::{Kinship, fault, kinship, priority};
use crate::{Catalogue, CompiledProvider, DropReason, HealthView, RoutingFacts};

/// How long vendors keep a prompt cache that nobody uses, unless asked for more: after this time there is
/// nothing to lose by going back to a better provider.
pub const PROMPT_CACHE_TTL: Duration = Duration::from_secs(300);

/// What a binding means for a request.
#[derive(Debug, Clone)]
pub enum BindingVerdict {
    /// The bound provider serves it.
    Follow {
        /// The provider.
        provider: Arc<CompiledProvider>,
        /// Its priority for this request.
        priority: i32,
    },
    /// The bound provider can't serve it now, but may later: choose another one, keep the binding until that
    /// one has answered.
    PassOver(DropReason),
    /// A better provider is there again, and sessions return to it: choose.
    Return,
    /// The bound provider does not serve this session any more, or is gone: forget the binding, choose.
    Drop,
}

impl BindingVerdict {
    /// The stable word.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Follow { .. } => "followed",
            Self::PassOver(_) => "passed_over",
            Self::Return => "returned",
            Self::Drop => "dropped",
        }
    }
}

/// Holds a binding against the catalogue. `idle` is the time since the session's last request, if it is known.
pub fn consult_binding(
    catalogue: &Catalogue,
    facts: &RoutingFacts<'_>,
    health: &dyn HealthView,
    local_time: Time,
    bound: ProviderId,
    idle: Option<Duration>,
) -> BindingVerdict {
    let Some(provider) = catalogue.get(bound) else { return BindingVerdict::Drop };
    match fault(provider, facts, health, &[], local_time) {
        None => {}
        Some(
            reason @ (DropReason::CircuitOpen
            | DropReason::RateLimited
            | DropReason::CoolingDown
            | DropReason::ConcurrentLimit
            | DropReason::ScheduleInactive),
        ) => return BindingVerdict::PassOver(reason),
        // A question that can't be converted, in the middle of a conversation that can.
        Some(reason @ DropReason::DialectMismatch)
            if facts.convertible == Convertible::No && provider.provider().conversion == Conversion::Auto =>
        {
            return BindingVerdict::PassOver(reason);
        }
        Some(_) => return BindingVerdict::Drop,
    }
    let own = priority(provider.provider(), facts.groups);
    let is_idle = idle.is_some_and(|idle| idle >= PROMPT_CACHE_TTL);
    let calls_back = |better: &CompiledProvider| match better.provider().fail_back {
        FailBack::Never => false,
        FailBack::WhenIdle => is_idle,
        FailBack::AtOnce => true,
    };
    let is_well = |other: &CompiledProvider| fault(other, facts, health, &[], local_time).is_none();
    let others = || catalogue.providers().iter().map(AsRef::as_ref).filter(|other| !is_same(other, provider));
    let is_native = |other: &&CompiledProvider| kinship(other, facts) == Kinship::Native;
    let outranks = |other: &&CompiledProvider| priority(other.provider(), facts.groups) < own;
    let is_better = if kinship(provider, facts) == Kinship::Native {
        others().filter(is_native).filter(outranks).any(|other| calls_back(other) && is_well(other))
    } else {
        // Any native provider is better than a foreign one, and keeps better foreign ones from being asked.
        let mut natives = others().filter(is_native).filter(|other| is_well(other)).peekable();
        if natives.peek().is_some() {
            natives.any(calls_back)
        } else {
            others().filter(outranks).any(|other| calls_back(other) && is_well(other))
        }
    };
    if is_better {
        return BindingVerdict::Return;
    }
    BindingVerdict::Follow { provider: Arc::clone(provider), priority: own }
}

fn is_same(one: &CompiledProvider, other: &CompiledProvider) -> bool {
    one.provider().id == other.provider().id
}

#[cfg(test)]
mod tests;
