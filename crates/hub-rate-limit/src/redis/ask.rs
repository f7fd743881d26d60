//! What the scripts are told, as texts and whole numbers.

use std::fmt::Write;

use hub_redis::Argument;
use hub_types::Money;

use crate::judge::Amount;
use crate::restore::{Grain, Past};
use crate::rule::{Course, Rules, Slot};
use crate::time::{Ms, ms, timestamp};

/// The first and the last moment for scripts, whose numbers are whole up to 2^53 only.
const NEVER: Ms = -((1 << 53) - 1);
const FOREVER: Ms = (1 << 53) - 1;

/// All slots, to find one by its word.
const SLOTS: [Slot; 9] = [
    Slot::Rpm,
    Slot::Rolling5h,
    Slot::Fixed5h,
    Slot::Rolling24h,
    Slot::Daily,
    Slot::Weekly,
    Slot::Monthly,
    Slot::Total,
    Slot::Tokens,
];

pub(super) fn slot(word: &str) -> Option<Slot> {
    SLOTS.into_iter().find(|slot| slot.as_str() == word)
}

/// A moment for a script.
pub(super) fn moment(at: Ms) -> Ms {
    at.clamp(NEVER, FOREVER)
}

/// A moment that a script told.
pub(super) fn moment_of(told: Ms) -> Ms {
    match told {
        NEVER => Ms::MIN,
        FOREVER => Ms::MAX,
        moment => moment,
    }
}

/// Money and tokens, as digits.
pub(super) fn amounts(amount: Amount) -> [Argument; 2] {
    [amount.nanos().to_string().into(), amount.whole_tokens().to_string().into()]
}

/// The rules of an owner, in a text.
pub(super) fn text_of_rules(rules: &Rules) -> String {
    let mut text = String::with_capacity(rules.len() * 100);
    for rule in rules {
        let (course, span, grain) = match rule.slot.course() {
            Course::Sliding { span, grain } => ('s', span, grain),
            Course::Anchored { span } => ('a', span, 0),
            Course::Calendar => ('c', 0, 0),
            Course::Total => ('t', 0, 0),
        };
        let [start, end, floor] = [rule.span.start, rule.span.end, rule.floor].map(moment);
        let (slot, limit) = (rule.slot.as_str(), rule.limit);
        // Writing to a text does not fail.
        let _ = write!(text, "{slot} {course} {span} {grain} {start} {end} {floor} {limit} ");
    }
    text
}

/// How the ledger is read for a slot.
pub(super) fn grain(slot: Slot) -> Grain {
    match slot.course() {
        Course::Sliding { .. } if slot == Slot::Rpm => Grain::Second,
        Course::Sliding { .. } | Course::Anchored { .. } => Grain::Minute,
        Course::Calendar | Course::Total => Grain::Whole,
    }
}

/// The ledger's answer for one counter.
pub(super) fn past(past: &Past) -> [Argument; 4] {
    let from = past.wanted.from.map_or(NEVER, |from| moment(ms(from)));
    let is_sum = i64::from(past.wanted.grain == Grain::Whole);
    let mut charges = String::with_capacity(past.charges.len() * 24);
    for (at, amount) in &past.charges {
        let _ = write!(charges, "{} {} ", moment(ms(*at)), amount.max(&0));
    }
    [past.wanted.slot.as_str().into(), from.into(), is_sum.into(), charges.into()]
}

/// From when on the ledger is to be read, as a script told.
pub(super) fn from_when(told: Ms) -> Option<jiff::Timestamp> {
    let from = moment_of(told);
    (from > Ms::MIN).then(|| timestamp(from))
}

/// An amount for one counter's unit, when it is charged for whole requests.
pub(super) const NOTHING: Amount = Amount { money: Money::ZERO, tokens: 0 };
