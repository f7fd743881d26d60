use std::collections::BTreeMap;

use hub_types::{Dialect, GroupSet, PickRule, ProviderId};
use jiff::civil::time;

use super::{FRACTION, Pick, choose_by, minus_log2};
use crate::tests::{catalogue, provider};
use crate::{AlwaysClosed, Catalogue, RoutingFacts, survey};

fn weighted(weights: &[(i64, u32)]) -> Catalogue {
    catalogue(weights.iter().map(|&(id, weight)| provider(id, |one| one.weight = weight)).collect())
}

fn facts(groups: &GroupSet) -> RoutingFacts<'_> {
    RoutingFacts { groups, dialect: Dialect::Claude, model: Some("claude-x"), client_name: None }
}

fn pick(catalogue: &Catalogue, rule: PickRule, seed: u64, used: &BTreeMap<i64, i64>) -> Option<(i64, u32)> {
    let (groups, last_used) = (GroupSet::default(), |id: ProviderId| used.get(&id.0).copied().unwrap_or(0));
    let pick = Pick { rule, seed, last_used: &last_used };
    let decision = choose_by(catalogue, &facts(&groups), &AlwaysClosed, &[], time(12, 0, 0, 0), &pick);
    decision.picked.map(|picked| (picked.provider().id.0, decision.probability_ppm))
}

fn drawn(catalogue: &Catalogue, seed: u64) -> i64 {
    pick(catalogue, PickRule::Rendezvous, seed, &BTreeMap::new()).unwrap().0
}

#[test]
fn shares_are_those_of_the_weights() {
    for weights in [vec![(1, 3), (2, 1)], vec![(1, 1), (2, 1), (3, 1)], vec![(4, 1000), (7, 1), (9, 499)]] {
        let (catalogue, draws) = (weighted(&weights), 60_000_u32);
        let mut picks: BTreeMap<i64, u32> = BTreeMap::new();
        for seed in 0..draws {
            *picks.entry(drawn(&catalogue, seed.into())).or_default() += 1;
        }
        let sum: u32 = weights.iter().map(|(_, weight)| weight).sum();
        let chi_square: f64 = weights
            .iter()
            .map(|(id, weight)| {
                let expected = f64::from(draws) * f64::from(*weight) / f64::from(sum);
                let found = f64::from(picks.get(id).copied().unwrap_or(0));
                (found - expected).powi(2) / expected
            })
            .sum();
        assert!(chi_square < 13.8, "{weights:?}: {picks:?}, {chi_square}");
    }
}

#[test]
fn a_choice_stays_while_others_come_and_go() {
    let all = [(1, 2), (2, 1), (3, 4), (4, 1)];
    let full = weighted(&all);
    let mut moved = 0;
    for seed in 0..2000 {
        let chosen = drawn(&full, seed);
        for gone in 1..=4 {
            let rest: Vec<_> = all.iter().copied().filter(|(id, _)| *id != gone).collect();
            let again = drawn(&weighted(&rest), seed);
            assert!(chosen == gone || again == chosen, "seed {seed}: {gone} took {chosen} along");
            moved += u32::from(again != chosen);
        }
    }
    assert_eq!(moved, 2000, "only those of the one that went");
}

#[test]
fn weights_of_zero_get_nothing_beside_others_and_equal_shares_among_themselves() {
    for rule in [PickRule::Rendezvous, PickRule::LeastRecentlyUsed] {
        let mixed = weighted(&[(1, 0), (2, 1)]);
        for seed in 0..200 {
            assert_eq!(pick(&mixed, rule, seed, &BTreeMap::from([(2, 9)])), Some((2, 1_000_000)));
        }
        assert_eq!(pick(&weighted(&[]), rule, 0, &BTreeMap::new()), None);
    }
    let zeros = weighted(&[(1, 0), (2, 0)]);
    let firsts = (0..1000).filter(|seed| drawn(&zeros, *seed) == 1).count();
    assert!((400..600).contains(&firsts), "{firsts}");
}

#[test]
fn the_one_that_has_rested_longest_is_picked_and_ties_go_by_id() {
    let catalogue = weighted(&[(1, 1), (2, 100), (3, 1)]);
    let picked = |used: &[(i64, i64)]| {
        pick(&catalogue, PickRule::LeastRecentlyUsed, 7, &used.iter().copied().collect()).unwrap()
    };
    assert_eq!(picked(&[]), (1, 1_000_000));
    assert_eq!(picked(&[(1, 500)]), (2, 1_000_000));
    assert_eq!(picked(&[(1, 500), (2, 400), (3, 450)]), (2, 1_000_000));
    assert_eq!(picked(&[(1, 500), (2, 500), (3, 500)]), (1, 1_000_000));
    let (groups, pick) =
        (GroupSet::default(), Pick { rule: PickRule::LeastRecentlyUsed, seed: 0, last_used: &|_| 0 });
    let mut survey = survey(&catalogue, &facts(&groups), &AlwaysClosed, &[], time(12, 0, 0, 0));
    survey.pick_by(&pick);
    let probabilities: Vec<u32> = survey.candidates.iter().map(|one| one.probability_ppm).collect();
    assert_eq!(probabilities, [1_000_000, 0, 0]);
}

#[test]
fn the_logarithm_is_right_where_it_is_known() {
    let one = 1_u64 << FRACTION;
    assert_eq!((minus_log2(0), minus_log2(1)), (64 * one, 64 * one));
    assert_eq!((minus_log2(1 << 63), minus_log2(1 << 32)), (one, 32 * one));
    assert!(minus_log2(u64::MAX) > 0);
    for number in [3_u64, 1000, 0xDEAD_BEEF, 0x100_0000_3039, u64::MAX / 3] {
        #[expect(clippy::cast_precision_loss, reason = "a comparison to eight digits")]
        let (found, known) = (minus_log2(number) as f64 / one as f64, 64.0 - (number as f64).log2());
        assert!((found - known).abs() < 1e-6, "{number}: {found} {known}");
    }
}
