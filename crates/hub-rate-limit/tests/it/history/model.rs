//! A limiter as a list of all charges, gone through from the beginning for every answer.

use std::time::Duration;

use hub_rate_limit::window::{self, Span};
use hub_rate_limit::{
    Amount, BudgetMode, Cause, LimitType, Quantity, RESERVATION_TTL, RESERVED_RETRY, Refusal, Slot, Verdict,
    WindowUsage,
};
use hub_types::{Money, ResetMode};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Cast, History, PROVIDERS, Payee, Row, Scene, Seen, Sights, Step, payee, payers};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// What a limit of a row is about.
#[derive(Debug, Clone, Copy)]
struct Rule {
    kind: LimitType,
    slot: Slot,
    limit: i64,
}

struct Reservation {
    request: usize,
    owners: Vec<usize>,
    amount: Amount,
    expires: i64,
}

struct Request {
    caller: usize,
    is_settled: bool,
}

struct Model {
    cast: Cast,
    scene: Scene,
    zone: TimeZone,
    /// Owner, time, nano-dollars, tokens; in the order in which they were told.
    charges: Vec<(usize, i64, Amount)>,
    /// Requests that were let in.
    entries: Vec<(usize, i64)>,
    reservations: Vec<Reservation>,
    requests: Vec<Request>,
}

/// What is to be seen when a limiter plays this history.
pub(crate) fn expect(history: &History, cast: Cast) -> Sights {
    let scene = Scene::new(history);
    let start = scene.now.as_millisecond();
    let charges =
        history.past.iter().map(|(owner, millis, actual)| (*owner, start - millis, *actual)).collect();
    let zone = TimeZone::get(history.zone).unwrap();
    let (entries, reservations, requests) = Default::default();
    let mut model = Model { cast, scene, zone, charges, entries, reservations, requests };
    let mut sights = Vec::new();
    let mut last = None;
    for (number, step) in history.steps.iter().enumerate() {
        model.scene.follow(step);
        let now = model.now();
        model.reservations.retain(|held| held.expires > now);
        if let Some(seen) = model.take(step, last) {
            sights.push((number, seen));
        }
        if matches!(step, Step::Admit { .. }) {
            last = Some(step);
        }
    }
    sights
}

fn nanos(amount: Amount) -> i64 {
    amount.money.nanos()
}

fn tokens(amount: Amount) -> i64 {
    i64::try_from(amount.tokens).unwrap()
}

fn quantity(kind: LimitType, number: i64) -> Quantity {
    match kind {
        LimitType::Rpm | LimitType::TokensTotal => Quantity::Count(number.unsigned_abs()),
        _ => Quantity::Money(Money::from_nanos(number)),
    }
}

fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap()
}

/// The limits of a row, in the order of [`LimitType`].
fn rules(row: &Row) -> Vec<Rule> {
    let money = &row.money;
    let hours = match money.limit_5h_reset_mode {
        ResetMode::Rolling => Slot::Rolling5h,
        ResetMode::Fixed => Slot::Fixed5h,
    };
    let day = match money.daily_reset_mode {
        ResetMode::Rolling => Slot::Rolling24h,
        ResetMode::Fixed => Slot::Daily,
    };
    let nanos = |limit: Option<Money>| limit.map_or(0, Money::nanos);
    [
        (LimitType::Rpm, Slot::Rpm, row.rpm.map_or(0, i64::from)),
        (LimitType::Usd5h, hours, nanos(money.limit_5h_usd)),
        (LimitType::UsdDaily, day, nanos(money.limit_daily_usd)),
        (LimitType::UsdWeekly, Slot::Weekly, nanos(money.limit_weekly_usd)),
        (LimitType::UsdMonthly, Slot::Monthly, nanos(money.limit_monthly_usd)),
        (LimitType::UsdTotal, Slot::Total, nanos(money.limit_total_usd)),
        (LimitType::TokensTotal, Slot::Tokens, row.tokens.map_or(0, |tokens| i64::try_from(tokens).unwrap())),
    ]
    .into_iter()
    .map(|(kind, slot, limit)| Rule { kind, slot, limit })
    .filter(|rule| rule.limit > 0)
    .collect()
}

/// How much of these charges, in the order told, is used at a moment, and when that may be less: all such
/// moments, ascending. Calendar windows are given, and the moment is not before them.
pub(crate) fn used(amounts: &[(i64, i64)], slot: Slot, window: Option<Span>, then: i64) -> (i64, Vec<i64>) {
    let (span, grain) = match slot {
        Slot::Rpm => (MINUTE, SECOND),
        Slot::Rolling5h => (5 * HOUR, MINUTE),
        Slot::Rolling24h => (24 * HOUR, MINUTE),
        Slot::Total | Slot::Tokens => return (amounts.iter().map(|(_, amount)| amount).sum(), Vec::new()),
        Slot::Fixed5h => {
            let (mut end, mut sum) = (i64::MIN, 0);
            for (at, amount) in amounts {
                if *at >= end {
                    (end, sum) = (at + 5 * HOUR, 0);
                }
                sum += amount;
            }
            return if then < end { (sum, vec![end]) } else { (0, Vec::new()) };
        }
        Slot::Daily | Slot::Weekly | Slot::Monthly => {
            let Some(Span { start, end }) = window else { panic!("{slot:?} has a window") };
            let inside = amounts.iter().filter(|(at, _)| start <= *at && *at < end);
            return (if then < end { inside.map(|(_, amount)| amount).sum() } else { 0 }, vec![end]);
        }
    };
    // Each counts until the last moment of its bucket is so old.
    let end = |at: i64| at.div_euclid(grain) * grain + grain + span;
    let left = amounts.iter().filter(|(at, _)| end(*at) > then);
    let mut ends: Vec<_> = left.clone().map(|(at, _)| end(*at)).collect();
    ends.sort_unstable();
    (left.map(|(_, amount)| amount).sum(), ends)
}

impl Model {
    fn now(&self) -> i64 {
        self.scene.now.as_millisecond()
    }

    fn take(&mut self, step: &Step, last: Option<&Step>) -> Option<Seen> {
        match step {
            Step::Admit { caller, .. } => {
                self.requests.push(Request { caller: *caller, is_settled: false });
                return Some(Seen::Verdict(self.admit(step)));
            }
            Step::Again => {
                let request = self.requests.len().checked_sub(1)?;
                let is_held = self.reservations.iter().any(|held| held.request == request);
                return Some(Seen::Verdict(if is_held { Verdict::Admitted } else { self.admit(last?) }));
            }
            Step::Settle { request, actual, late } => {
                let place = self.request(*request)?;
                self.reservations.retain(|held| held.request != place);
                let request = &mut self.requests[place];
                let caller = request.caller;
                if !std::mem::replace(&mut request.is_settled, true) {
                    self.charge(&payers(caller), *actual, *late);
                }
            }
            Step::Release { request } => {
                let place = self.request(*request)?;
                self.reservations.retain(|held| held.request != place);
            }
            Step::Refresh { request } => {
                let place = self.request(*request)?;
                let expires = self.now() + i64::try_from(RESERVATION_TTL.as_millis()).unwrap();
                for held in self.reservations.iter_mut().filter(|held| held.request == place) {
                    held.expires = expires;
                }
            }
            Step::ChargeProvider { provider, actual, late } => self.charge(&[5 + provider], *actual, *late),
            Step::ChargeCaller { caller, actual, late } => self.charge(&payers(*caller), *actual, *late),
            Step::Rooms => {
                let room = |provider| self.refusals(5 + provider, Amount::default(), BudgetMode::Balanced);
                return Some(Seen::Rooms((0..PROVIDERS).map(|provider| longest(room(provider))).collect()));
            }
            Step::Look { owner, meanwhile } => {
                match payee(*owner) {
                    Payee::Caller(caller) => self.charge(&payers(caller), *meanwhile, 0),
                    Payee::Provider(_) => self.charge(&[*owner], *meanwhile, 0),
                }
                return Some(Seen::Usage(self.usage(*owner)));
            }
            Step::Move { zone } => self.zone = TimeZone::get(zone).unwrap(),
            Step::ChargeAgain { .. }
            | Step::Reset { .. }
            | Step::Sweep
            | Step::Pass { .. }
            | Step::Align { .. }
            | Step::Change { .. } => {}
        }
        None
    }

    fn request(&self, number: usize) -> Option<usize> {
        Some(self.requests.len().checked_sub(1)? - number % self.requests.len())
    }

    fn charge(&mut self, owners: &[usize], actual: Amount, late: i64) {
        let at = self.scene.late(late).as_millisecond();
        self.charges.extend(owners.iter().map(|owner| (*owner, at, actual)));
    }

    fn admit(&mut self, step: &Step) -> Verdict {
        let Step::Admit { caller, estimate, worst_case, mode } = step else { panic!("{step:?}") };
        let amount = match mode {
            BudgetMode::Balanced => *estimate,
            BudgetMode::Strict => Amount {
                money: worst_case.money.max(estimate.money),
                tokens: worst_case.tokens.max(estimate.tokens),
            },
        };
        let owners = payers(*caller);
        let refusals = owners.into_iter().flat_map(|owner| self.refusals(owner, amount, *mode));
        if let Some(refusal) = longest(refusals.collect()) {
            return Verdict::Refused(refusal);
        }
        let limited: Vec<_> =
            owners.into_iter().filter(|owner| !rules(&self.scene.rows[*owner]).is_empty()).collect();
        let now = self.now();
        if !limited.is_empty() {
            self.entries.extend(limited.iter().map(|owner| (*owner, now)));
            let expires = now + i64::try_from(RESERVATION_TTL.as_millis()).unwrap();
            let request = self.requests.len() - 1;
            self.reservations.push(Reservation { request, owners: limited, amount, expires });
        }
        Verdict::Admitted
    }

    /// What of a counter's charges may ever count, in the order told.
    fn amounts(&self, owner: usize, slot: Slot) -> Vec<(i64, i64)> {
        if slot == Slot::Rpm {
            return self.entries.iter().filter(|entry| entry.0 == owner).map(|entry| (entry.1, 1)).collect();
        }
        let floor = self.scene.rows[owner].money.cost_reset_at.map_or(i64::MIN, Timestamp::as_millisecond);
        let count = |amount| if slot == Slot::Tokens { tokens(amount) } else { nanos(amount) };
        let told = self.charges.iter().filter(|charge| charge.0 == owner && charge.1 >= floor);
        told.map(|(_, at, amount)| (*at, count(*amount))).filter(|(_, amount)| *amount > 0).collect()
    }

    fn calendar(&self, owner: usize, slot: Slot) -> Option<Span> {
        let now = self.scene.now;
        match slot {
            Slot::Daily => Some(window::day(&self.zone, self.scene.rows[owner].money.daily_reset_time, now)),
            Slot::Weekly => Some(window::week(&self.zone, now)),
            Slot::Monthly => Some(window::month(&self.zone, now)),
            _ => None,
        }
    }

    fn used(&self, owner: usize, slot: Slot, then: i64) -> (i64, Vec<i64>) {
        used(&self.amounts(owner, slot), slot, self.calendar(owner, slot), then)
    }

    /// The first moment after now at which no more than this is used.
    fn falls_to(&self, owner: usize, slot: Slot, target: i64) -> Option<i64> {
        let (_, moments) = self.used(owner, slot, self.now());
        moments.into_iter().find(|then| self.used(owner, slot, *then).0 <= target)
    }

    fn reserved(&self, owner: usize, kind: LimitType) -> i64 {
        let held = self.reservations.iter().filter(|held| held.owners.contains(&owner));
        match kind {
            LimitType::Rpm => 0,
            LimitType::TokensTotal => held.map(|held| tokens(held.amount)).sum(),
            _ => held.map(|held| nanos(held.amount)).sum(),
        }
    }

    fn refusals(&self, owner: usize, amount: Amount, mode: BudgetMode) -> Vec<Refusal> {
        let rules = rules(&self.scene.rows[owner]);
        rules.into_iter().filter_map(|rule| self.refusal(owner, rule, amount, mode)).collect()
    }

    fn refusal(&self, owner: usize, rule: Rule, amount: Amount, mode: BudgetMode) -> Option<Refusal> {
        let Rule { kind, slot, limit } = rule;
        let (used, _) = self.used(owner, slot, self.now());
        let reserved = self.reserved(owner, kind);
        let amount = match kind {
            LimitType::Rpm => 1,
            LimitType::TokensTotal => tokens(amount),
            _ => nanos(amount),
        };
        let is_strict = mode == BudgetMode::Strict;
        let cause = if used >= limit {
            Cause::Spent
        } else if used + reserved + amount <= limit || (!is_strict && reserved == 0) {
            return None;
        } else if is_strict && used + amount > limit {
            Cause::TooLarge
        } else {
            Cause::Reserved
        };
        // Something has to be left, and in strict mode enough for the worst case, unless others only hold it.
        let room = if is_strict && cause != Cause::Reserved { amount.max(1) } else { 1 };
        let reset = (limit >= room).then(|| self.falls_to(owner, slot, limit - room)).flatten();
        let wait = reset.map(|reset| Duration::from_millis((reset - self.now()).unsigned_abs()));
        let retry_after = match cause {
            Cause::Reserved => Some(wait.map_or(RESERVED_RETRY, |wait| wait.min(RESERVED_RETRY))),
            Cause::Spent | Cause::TooLarge => wait,
        };
        Some(Refusal {
            owner: self.cast.owner(owner),
            limit_type: kind,
            cause,
            current: quantity(kind, used),
            reserved: quantity(kind, reserved),
            limit: quantity(kind, limit),
            reset: reset.map(moment),
            retry_after,
        })
    }

    fn usage(&self, owner: usize) -> Vec<WindowUsage> {
        let usage = |rule: Rule| {
            let (used, moments) = self.used(owner, rule.slot, self.now());
            WindowUsage {
                limit_type: rule.kind,
                used: quantity(rule.kind, used),
                reserved: quantity(rule.kind, self.reserved(owner, rule.kind)),
                limit: quantity(rule.kind, rule.limit),
                reset: moments.last().copied().map(moment),
            }
        };
        rules(&self.scene.rows[owner]).into_iter().map(usage).collect()
    }
}

/// The one that lasts longest; of equal ones the first.
fn longest(refusals: Vec<Refusal>) -> Option<Refusal> {
    let wait = |refusal: &Refusal| refusal.retry_after.unwrap_or(Duration::MAX);
    let most = refusals.iter().map(wait).max()?;
    refusals.into_iter().find(|refusal| wait(refusal) == most)
}
