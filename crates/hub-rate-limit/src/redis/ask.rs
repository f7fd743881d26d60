//! What the scripts are told: texts, whole numbers, and packed rules.

use std::fmt::Write;

use hub_redis::Argument;
use hub_types::Money;
use smallvec::SmallVec;

use crate::judge::Amount;
use crate::restore::{Grain, Past};
use crate::rule::{Course, Rule, Rules, Slot};
use crate::time::{Ms, ms, timestamp};

/// The first and the last moment for scripts, whose numbers are whole up to 2^53 only.
const NEVER: Ms = -((1 << 53) - 1);
const FOREVER: Ms = (1 << 53) - 1;

/// All slots: scripts know them by their places here, from one on.
const SLOTS: [Slot; 9] = [
    Slot::Rpm,
    Slot::Rolling5h,
    Slot::Rolling24h,
    Slot::Fixed5h,
    Slot::Daily,
    Slot::Weekly,
    Slot::Monthly,
    Slot::Total,
    Slot::Tokens,
];

/// The slot that a script names.
pub(super) fn slot(number: i64) -> Option<Slot> {
    SLOTS.get(usize::try_from(number).ok()?.checked_sub(1)?).copied()
}

fn number_of(slot: Slot) -> u8 {
    let place = SLOTS.iter().zip(1..).find(|(one, _)| **one == slot);
    place.map_or(0, |(_, number)| number)
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

/// The bytes of a rule: slot, start, end and floor, and the limit as billions and the rest.
const RULE: usize = 1 + 3 * 8 + 8 + 4;
const BILLION: i64 = 1_000_000_000;

/// The rules of an owner, packed as the scripts read them.
pub(super) fn packed(rules: &Rules) -> Argument {
    let mut bytes: SmallVec<[u8; 7 * RULE]> = SmallVec::new();
    for rule in rules {
        pack(rule, &mut bytes);
    }
    Argument::from(bytes.as_slice())
}

fn pack(rule: &Rule, bytes: &mut SmallVec<[u8; 7 * RULE]>) {
    bytes.push(number_of(rule.slot));
    let moments = [rule.span.start, rule.span.end, rule.floor].map(moment);
    for number in moments.into_iter().chain([rule.limit / BILLION]) {
        bytes.extend_from_slice(&double(number).to_le_bytes());
    }
    let rest = u32::try_from(rule.limit % BILLION).unwrap_or(0);
    bytes.extend_from_slice(&rest.to_le_bytes());
}

/// Numbers here are within what a double holds exactly.
#[expect(clippy::cast_precision_loss, reason = "moments are clamped, and billions are few")]
fn double(number: i64) -> f64 {
    number as f64
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
    [i64::from(number_of(past.wanted.slot)).into(), from.into(), is_sum.into(), charges.into()]
}

/// From when on the ledger is to be read, as a script told.
pub(super) fn from_when(told: Ms) -> Option<jiff::Timestamp> {
    let from = moment_of(told);
    (from > Ms::MIN).then(|| timestamp(from))
}

/// An amount for one counter's unit, when it is charged for whole requests.
pub(super) const NOTHING: Amount = Amount { money: Money::ZERO, tokens: 0 };
