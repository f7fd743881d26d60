//! The last stage: who of those left is picked. Integers only, so that every machine picks the same.

use std::sync::Arc;

use hub_types::{PickRecord, PickRule, ProviderId};
use jiff::civil::Time;

use crate::{Candidate, Catalogue, CompiledProvider, Decision, HealthView, RoutingFacts, Survey, survey};

/// By what a pick is made.
#[derive(Clone, Copy)]
pub struct Pick<'a> {
    /// How.
    pub rule: PickRule,
    /// The chance in it.
    pub seed: u64,
    /// When a provider was last used, in milliseconds since 1970; 0 = never.
    pub last_used: &'a dyn Fn(ProviderId) -> i64,
}

impl std::fmt::Debug for Pick<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pick").field("rule", &self.rule).field("seed", &self.seed).finish_non_exhaustive()
    }
}

/// Chooses a provider as [`crate::choose`] does, and picks by a rule.
pub fn choose_by(
    catalogue: &Catalogue,
    facts: &RoutingFacts<'_>,
    health: &dyn HealthView,
    excluded: &[ProviderId],
    local_time: Time,
    pick: &Pick<'_>,
) -> Decision {
    let mut survey = survey(catalogue, facts, health, excluded, local_time);
    let picked = survey.pick_by(pick);
    survey.into_decision(picked.map(|(provider, ppm)| (Arc::clone(provider), ppm)))
}

impl<'a> Survey<'a> {
    /// Picks one of the candidates, with its probability in millionths. Where nothing is left to chance, the
    /// candidates' probabilities say so afterwards.
    pub fn pick_by(&mut self, pick: &Pick<'_>) -> Option<(&'a Arc<CompiledProvider>, u32)> {
        let able = self.candidates.iter().filter(|candidate| candidate.share > 0);
        let picked = match pick.rule {
            PickRule::Weighted => {
                let id = self.pick(pick.seed)?.provider.provider().id;
                let drawn = self.candidates.iter().find(|one| one.provider.provider().id == id);
                drawn.map(|candidate| candidate.provider)
            }
            PickRule::Rendezvous => {
                let least = able.min_by(|a, b| {
                    // The least of −log(u)/share, without the division.
                    let (of_a, of_b) = (distance(a, pick.seed), distance(b, pick.seed));
                    (of_a * u128::from(b.share)).cmp(&(of_b * u128::from(a.share)))
                });
                least.map(|candidate| candidate.provider)
            }
            PickRule::LeastRecentlyUsed => {
                let oldest = able.min_by_key(|candidate| {
                    let id = candidate.provider.provider().id;
                    ((pick.last_used)(id), id)
                });
                let oldest = oldest.map(|candidate| candidate.provider)?;
                for candidate in &mut self.candidates {
                    let is_it = candidate.provider.provider().id == oldest.provider().id;
                    candidate.probability_ppm = if is_it { 1_000_000 } else { 0 };
                }
                Some(oldest)
            }
        }?;
        let id = picked.provider().id;
        let candidate = self.candidates.iter().find(|candidate| candidate.provider.provider().id == id)?;
        Some((picked, candidate.probability_ppm))
    }

    /// Picks as a recorded choice did.
    pub(crate) fn pick_as_recorded(
        &mut self,
        record: &PickRecord,
        seed: u64,
    ) -> Option<(&'a Arc<CompiledProvider>, u32)> {
        let last_used = |id| record.last_used.get(&id).copied().unwrap_or(0);
        self.pick_by(&Pick { rule: record.rule, seed, last_used: &last_used })
    }
}

/// `−log2(u)` of a candidate's own number between 0 and 1, which depends on nobody else: so a session's choice stays
/// while others come and go.
fn distance(candidate: &Candidate<'_>, seed: u64) -> u128 {
    let id = candidate.provider.provider().id.0.cast_unsigned();
    let own = mixed(mixed(seed).wrapping_add(id.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    minus_log2(own).into()
}

/// Bits after the point.
const FRACTION: u32 = 40;

/// `64 − log2(number)`, with [`FRACTION`] bits after the point: one bit after the other, by squaring.
fn minus_log2(number: u64) -> u64 {
    let number = number.max(1);
    let whole = number.ilog2();
    let mut mantissa = u128::from(number) << (63 - whole);
    let mut fraction = 0_u64;
    for _ in 0..FRACTION {
        mantissa = (mantissa * mantissa) >> 63;
        fraction <<= 1;
        if mantissa >> 64 != 0 {
            mantissa >>= 1;
            fraction |= 1;
        }
    }
    (u64::from(64 - whole) << FRACTION) - fraction
}

/// Spreads numbers: neighbours come out unrelated.
const fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests;
