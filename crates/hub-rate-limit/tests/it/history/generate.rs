//! Histories by chance, with small numbers, so that limits are met often.

use hub_rate_limit::{Amount, BudgetMode};
use hub_types::{Money, MoneyLimits, ResetMode};
use jiff::civil::{Time, time};

use super::{CALLERS, History, OWNERS, PROVIDERS, Row, Step, amount};
use crate::chance::Chance;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

pub(crate) const ZONES: [&str; 4] = ["UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York"];

/// Spans that something depends on.
const SPANS: [i64; 8] =
    [MINUTE, 61 * SECOND, 15 * MINUTE, 5 * HOUR, 5 * HOUR + MINUTE, DAY, DAY + MINUTE, 7 * DAY];

impl History {
    /// The history of this seed, that many steps long.
    ///
    /// In one half of them charges are told late. In the other half limits change, so that counters are read from
    /// the ledger in the middle. Not in the same: a ledger knows when something was charged and not when it was
    /// told, which makes a difference to windows that begin with the first charge.
    pub(crate) fn random(seed: u64, steps: usize) -> Self {
        let mut chance = Chance::new(seed);
        let is_late = chance.one_in(2);
        let zone = chance.pick(&ZONES);
        let rows: Vec<_> = (0..OWNERS).map(|owner| row(&mut chance, owner, None)).collect();
        let mut past: Vec<_> = (0..chance.place(12)).map(|_| charge_of_before(&mut chance)).collect();
        past.sort_by_key(|(_, millis, _)| -millis);
        let mut all = Vec::new();
        if is_late {
            all.extend(looks());
        }
        all.push(Step::Pass { millis: chance.below(400) * DAY });
        if is_late {
            all.extend(looks());
        }
        while all.len() < steps {
            let next = step(&mut chance, is_late, &rows);
            let again = matches!(next, Step::Admit { .. }) && chance.one_in(10);
            let is_long = matches!(next, Step::Pass { millis: HOUR.. } | Step::Align { millis: HOUR.., .. });
            all.push(next);
            if again {
                all.push(Step::Again);
            }
            if is_late && is_long {
                // Nor does a counter that has slept through a window ask the ledger.
                all.extend(looks());
            }
        }
        Self { seed, zone, rows, past, steps: all }
    }
}

fn looks() -> impl Iterator<Item = Step> {
    (0..OWNERS).map(|owner| Step::Look { owner, meanwhile: amount(0, 0) })
}

fn charge_of_before(chance: &mut Chance) -> (usize, i64, Amount) {
    let span = chance.pick(&[MINUTE, HOUR, 6 * HOUR, DAY, 6 * DAY]);
    (chance.place(OWNERS), 1 + chance.below(span), cost(chance))
}

fn cost(chance: &mut Chance) -> Amount {
    let top = chance.pick(&[1, 5, 20]);
    amount(chance.below(top), chance.below(top))
}

/// Requests per minute stay limited, or not, as they were: that a new limit starts from zero is no harm.
fn row(chance: &mut Chance, owner: usize, before: Option<&Row>) -> Row {
    let limit = |chance: &mut Chance| match chance.below(8) {
        0..3 => Some(Money::from_nanos(chance.between(1, 40))),
        3 => Some(Money::ZERO),
        _ => None,
    };
    let mode = |chance: &mut Chance| chance.pick(&[ResetMode::Rolling, ResetMode::Fixed]);
    let daily_reset_time = chance.pick(&[Time::midnight(), time(2, 30, 0, 0), time(18, 0, 0, 0)]);
    let money = MoneyLimits {
        limit_5h_usd: limit(chance),
        limit_5h_reset_mode: mode(chance),
        limit_daily_usd: limit(chance),
        daily_reset_mode: mode(chance),
        daily_reset_time,
        limit_weekly_usd: limit(chance),
        limit_monthly_usd: limit(chance),
        limit_total_usd: limit(chance),
        cost_reset_at: None,
    };
    let is_key = (2..5).contains(&owner);
    let rpm = (owner < 5 && chance.one_in(4)).then(|| u32::try_from(chance.between(1, 4)).unwrap());
    let tokens = (is_key && chance.one_in(4)).then(|| chance.between(1, 60).unsigned_abs());
    Row { rpm: before.map_or(rpm, |before| before.rpm), money, tokens }
}

fn pass(chance: &mut Chance) -> Step {
    let off = chance.between(-1, 1);
    match chance.below(12) {
        0..4 => Step::Pass { millis: chance.below(3 * SECOND) },
        4..6 => Step::Pass { millis: chance.below(2 * MINUTE) },
        6 => Step::Pass { millis: chance.below(6 * HOUR) },
        7 => Step::Pass { millis: chance.below(40 * DAY) },
        8..10 => Step::Pass { millis: chance.pick(&SPANS) + off },
        _ => Step::Align { millis: chance.pick(&[SECOND, MINUTE, HOUR, DAY]), off },
    }
}

fn late(chance: &mut Chance, is_late: bool) -> i64 {
    match chance.below(4) {
        0 if is_late => chance.below(2 * MINUTE),
        1 if is_late => chance.below(48 * HOUR),
        _ => 0,
    }
}

fn step(chance: &mut Chance, is_late: bool, rows: &[Row]) -> Step {
    // Mostly one of the latest requests.
    let request = chance.place(6);
    match chance.below(48) {
        12..24 => {
            let mode = chance.pick(&[BudgetMode::Balanced, BudgetMode::Strict]);
            let (estimate, worst_case) = (cost(chance), cost(chance));
            Step::Admit { caller: chance.place(CALLERS), estimate, worst_case, mode }
        }
        24..32 => Step::Settle { request, actual: cost(chance), late: late(chance, is_late) },
        32 => Step::Release { request },
        33 => Step::Refresh { request },
        34..37 => Step::ChargeProvider {
            provider: chance.place(PROVIDERS),
            actual: cost(chance),
            late: late(chance, is_late),
        },
        37 => Step::ChargeCaller {
            caller: chance.place(CALLERS),
            actual: cost(chance),
            late: late(chance, is_late),
        },
        38 => Step::ChargeAgain { attempt: chance.place(4) },
        39 | 40 => Step::Rooms,
        41..44 => Step::Look { owner: chance.place(OWNERS), meanwhile: cost(chance) },
        44 => Step::Reset { owner: chance.place(OWNERS) },
        45 if !is_late => {
            let owner = chance.place(OWNERS);
            Step::Change { owner, row: Box::new(row(chance, owner, rows.get(owner))) }
        }
        46 if !is_late => Step::Move { zone: chance.pick(&ZONES) },
        47 => Step::Sweep,
        _ => pass(chance),
    }
}
