//! Random schedules of parallel requests, and what [`BudgetMode`] promises of them.
//!
//! Requests are admitted and settled in any order, by several hubs on one store if there are several. They are
//! given up, refreshed, settled after their reservation has lapsed, or lost with their hub. The hubs' clocks
//! differ, go back a little, and jump ahead. After each step it is known exactly which reservations may be left.

use std::ops::Range;

use hub_rate_limit::window::{self, Span};
use hub_rate_limit::{
    Admission, Amount, BudgetMode, Known, LimitType, Limits, Owner, Quantity, RESERVATION_TTL, Slot, Ticket,
    Verdict,
};
use hub_types::{KeyId, Money, MoneyLimits, RequestId, ResetMode, UserId};
use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::chance::Chance;
use crate::contract::{Desk, Subject, noon};
use crate::history::model::used;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const TTL: i64 = 15 * MINUTE;

/// How a request ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Settled,
    /// Nothing was charged.
    Released,
    /// Its hub is gone: nobody tells of it.
    Lost,
}

#[derive(Debug)]
struct Request {
    ticket: Ticket,
    reserved: i64,
    /// What it will have cost.
    actual: i64,
    fate: Fate,
    /// Its reservation counts until then at least, and until then at most: it depends on whose clock was the last
    /// to look. Nothing when it has ended.
    surely: i64,
    perhaps: i64,
    is_over: bool,
}

/// What is promised of an owner's windows since its last admission.
#[derive(Debug, Clone, Copy, Default)]
struct Promise {
    /// The sum over all in flight of what they cost beyond what they have reserved.
    in_flight: i64,
    /// What the last one went beyond the limit as a lone request: by rule.
    lone: [i64; RULES],
}

const RULES: usize = 6;

/// An owner with its limits.
struct Budget {
    owner: Owner,
    money: MoneyLimits,
    /// Time and amount, as told.
    charges: Vec<(i64, i64)>,
    promise: Promise,
}

impl Budget {
    fn limits(&self) -> Limits<'_> {
        Limits { rpm: None, money: &self.money, tokens: None }
    }

    fn rules(&self) -> impl Iterator<Item = (LimitType, Slot, i64)> {
        let money = &self.money;
        let hours =
            if money.limit_5h_reset_mode == ResetMode::Rolling { Slot::Rolling5h } else { Slot::Fixed5h };
        let day = if money.daily_reset_mode == ResetMode::Rolling { Slot::Rolling24h } else { Slot::Daily };
        [
            (LimitType::Usd5h, hours, money.limit_5h_usd),
            (LimitType::UsdDaily, day, money.limit_daily_usd),
            (LimitType::UsdWeekly, Slot::Weekly, money.limit_weekly_usd),
            (LimitType::UsdMonthly, Slot::Monthly, money.limit_monthly_usd),
            (LimitType::UsdTotal, Slot::Total, money.limit_total_usd),
        ]
        .into_iter()
        .filter_map(|(kind, slot, limit)| Some((kind, slot, limit?.nanos())))
    }

    fn used(&self, slot: Slot, now: i64) -> i64 {
        used(&self.charges, slot, calendar(slot, now), now).0
    }
}

fn calendar(slot: Slot, now: i64) -> Option<Span> {
    let (zone, now) = (TimeZone::UTC, moment(now));
    match slot {
        Slot::Daily => Some(window::day(&zone, Time::midnight(), now)),
        Slot::Weekly => Some(window::week(&zone, now)),
        Slot::Monthly => Some(window::month(&zone, now)),
        _ => None,
    }
}

fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap()
}

fn dollars(nanos: i64) -> Amount {
    Amount { money: Money::from_nanos(nanos), tokens: 0 }
}

struct Schedule<'a, S> {
    desks: &'a [Desk<S>],
    chance: Chance,
    mode: BudgetMode,
    /// A user and its keys.
    budgets: Vec<Budget>,
    requests: Vec<Request>,
    now: i64,
    /// How far each hub's clock is off.
    skews: Vec<i64>,
    /// The latest time that the store was told.
    latest: i64,
}

/// Goes through the schedules of these seeds. The desks lead to one store. Nobody else has users of the same
/// `series` there.
pub(crate) async fn promises_are_kept<S: Subject>(desks: &[Desk<S>], series: i64, seeds: Range<u64>) {
    assert_eq!(RESERVATION_TTL.as_millis(), TTL.unsigned_abs().into());
    for seed in seeds {
        let id = 1_000_000_000 * series + 4 * i64::try_from(seed).unwrap();
        let mut schedule = Schedule::new(desks, id, seed);
        schedule.meet().await;
        if let Err(broken) = schedule.run().await {
            let limits: Vec<_> = schedule.budgets.iter().map(|budget| &budget.money).collect();
            panic!("seed {seed}, {:?}: {broken}\n{limits:?}\n{:?}", schedule.mode, schedule.requests);
        }
    }
}

type Outcome = Result<(), String>;

fn held(is_held: bool, otherwise: impl FnOnce() -> String) -> Outcome {
    if is_held { Ok(()) } else { Err(otherwise()) }
}

impl<'a, S: Subject> Schedule<'a, S> {
    fn new(desks: &'a [Desk<S>], id: i64, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let mode = chance.pick(&[BudgetMode::Balanced, BudgetMode::Strict]);
        let mut budget = |owner| {
            let mut limit = || chance.one_in(3).then(|| Money::from_nanos(chance.between(1, 1000)));
            let limits = [limit(), limit(), limit(), limit(), limit()];
            let mut mode = || if chance.one_in(2) { ResetMode::Rolling } else { ResetMode::Fixed };
            let [limit_5h_usd, limit_daily_usd, limit_weekly_usd, limit_monthly_usd, limit_total_usd] =
                limits;
            let money = MoneyLimits {
                limit_5h_usd,
                limit_5h_reset_mode: mode(),
                limit_daily_usd,
                daily_reset_mode: mode(),
                limit_weekly_usd,
                limit_monthly_usd,
                limit_total_usd,
                ..MoneyLimits::default()
            };
            Budget { owner, money, charges: Vec::new(), promise: Promise::default() }
        };
        let user = UserId(id);
        let budgets = vec![
            budget(Owner::User(user)),
            budget(Owner::Key(user, KeyId(id + 1))),
            budget(Owner::Key(user, KeyId(id + 2))),
        ];
        let skews = desks.iter().map(|_| chance.between(-2 * SECOND, 2 * SECOND)).collect();
        let now = noon().as_millisecond();
        Self { desks, chance, mode, budgets, requests: Vec::new(), now, skews, latest: now }
    }

    /// All limits are new, and nothing was ever charged.
    async fn meet(&mut self) {
        for budget in &self.budgets {
            let desk = &self.desks[0];
            let usage = desk.limiter.usage(budget.owner, budget.limits(), moment(self.now)).await.unwrap();
            if let Known::Restore(questions) = usage {
                desk.restore_nothing(&questions, moment(self.now)).await;
            }
        }
        self.now += 24 * HOUR + self.chance.below(48 * HOUR);
        self.look().await;
    }

    /// Somebody looks at everything, so that no window passes unnoticed: this is not about the ledger's answers.
    async fn look(&mut self) {
        let now = self.tell(0);
        for budget in &self.budgets {
            let usage = self.desks[0].limiter.usage(budget.owner, budget.limits(), now).await.unwrap();
            assert!(matches!(usage, Known::Yes(_)), "{usage:?}");
        }
        self.desks[0].subject.flush().await;
    }

    /// The time on this hub's clock, which is told to the store.
    fn tell(&mut self, desk: usize) -> Timestamp {
        let now = self.now + self.skews[desk];
        self.latest = self.latest.max(now);
        moment(now)
    }

    async fn run(&mut self) -> Outcome {
        let most = if self.chance.one_in(20) { 200 } else { 16 };
        let many = 1 + self.chance.place(most);
        let mut asked = 0;
        while asked < many || self.requests.iter().any(|one| !one.is_over) {
            let running: Vec<_> =
                (0..self.requests.len()).filter(|one| !self.requests[*one].is_over).collect();
            let one = running.get(self.chance.place(running.len().max(1))).copied();
            match self.chance.below(10) {
                0 => self.pass().await,
                1..5 if asked < many => {
                    asked += 1;
                    self.admit().await?;
                }
                dice => match one {
                    Some(one) if dice == 5 => self.refresh(one).await,
                    Some(one) => self.end(one).await,
                    None => {}
                },
            }
            if self.chance.one_in(10) {
                self.check().await?;
            }
        }
        // Whatever nobody has settled is gone after its time.
        self.now = self.latest + TTL + 2 * SECOND;
        self.check().await?;
        for budget in 0..self.budgets.len() {
            let reserved = self.usage(budget).await.into_iter().map(|(_, reserved)| reserved).max();
            held(reserved.unwrap_or(0) == 0, || format!("{reserved:?} is reserved forever"))?;
        }
        Ok(())
    }

    async fn pass(&mut self) {
        let step = match self.chance.below(20) {
            0..10 => self.chance.below(2 * SECOND),
            10..13 => self.chance.below(2 * MINUTE),
            13..15 => TTL - self.chance.below(MINUTE),
            15 => -self.chance.below(5 * SECOND),
            16 => -self.chance.below(10 * MINUTE),
            17 => self.chance.below(6 * HOUR),
            _ => 0,
        };
        let jump = if self.chance.one_in(60) { self.chance.below(40 * 24) * HOUR } else { step };
        self.now += jump;
        if jump >= HOUR {
            self.look().await;
        }
    }

    /// A key of the user's, by its place.
    fn admission(&mut self) -> (usize, Request, Amount, Amount) {
        let key = 1 + self.chance.place(2);
        let top = self.chance.pick(&[10, 100, 400]);
        let (estimate, worst_case) = (self.chance.below(top), self.chance.below(2 * top));
        let most = estimate.max(worst_case);
        let (reserved, actual) = match self.mode {
            BudgetMode::Balanced => (estimate, self.chance.below(2 * estimate + 10)),
            BudgetMode::Strict => (most, self.chance.below(most + 1)),
        };
        let fate = match self.chance.below(8) {
            0 => Fate::Released,
            1 => Fate::Lost,
            _ => Fate::Settled,
        };
        let (Owner::User(user), Owner::Key(_, id)) = (self.budgets[0].owner, self.budgets[key].owner) else {
            panic!("the first is the user, the others are keys")
        };
        let ticket = Ticket { request: RequestId::fresh(), user, key: id };
        let actual = if fate == Fate::Settled { actual } else { 0 };
        let request = Request { ticket, reserved, actual, fate, surely: 0, perhaps: 0, is_over: false };
        (key, request, dollars(estimate), dollars(worst_case))
    }

    async fn admit(&mut self) -> Outcome {
        let (key, mut request, estimate, worst_case) = self.admission();
        let desk = self.chance.place(self.desks.len());
        let now = self.tell(desk);
        let admission = Admission {
            ticket: request.ticket,
            user: self.budgets[0].limits(),
            key: self.budgets[key].limits(),
            estimate,
            worst_case,
            mode: self.mode,
        };
        let answer = self.desks[desk].limiter.admit(&admission, now).await.unwrap();
        let Known::Yes(verdict) = answer else { return Err(format!("{answer:?}")) };
        let millis = now.as_millisecond();
        if verdict == Verdict::Admitted {
            (request.surely, request.perhaps) = (millis + TTL, millis + TTL);
            self.requests.push(request);
            for place in [0, key] {
                self.promise(place);
            }
            return Ok(());
        }
        // A store that was told a later time may have forgotten something that this clock would still count.
        let is_latest = millis >= self.latest;
        let is_alone = self.requests.iter().all(|one| one.reserved == 0 || one.perhaps <= millis);
        let is_left = [0, key].iter().all(|place| {
            let budget = &self.budgets[*place];
            budget.rules().all(|(_, slot, limit)| budget.used(slot, self.latest) < limit)
        });
        let is_wronged = self.mode == BudgetMode::Balanced && is_latest && is_alone && is_left;
        held(!is_wronged, || format!("a lone request was refused: {verdict:?}"))
    }

    /// What is promised after the latest request was admitted.
    fn promise(&mut self, place: usize) {
        let latest = self.latest;
        let is_theirs = |one: &&Request| place == 0 || key_of(one) == self.budgets[place].owner;
        let beyond = |one: &Request| {
            let reserved = if one.surely > latest { one.reserved } else { 0 };
            (one.actual - reserved).max(0)
        };
        let open = self.requests.iter().filter(|one| !one.is_over).filter(is_theirs);
        let in_flight = open.map(beyond).sum();
        let mut lone = [0; RULES];
        if let Some(last) = self.requests.last()
            && self.mode == BudgetMode::Balanced
        {
            let budget = &self.budgets[place];
            for ((_, slot, limit), lone) in budget.rules().zip(&mut lone) {
                *lone = (budget.used(slot, latest) + last.reserved - limit).max(0);
            }
        }
        self.budgets[place].promise = Promise { in_flight, lone };
    }

    async fn refresh(&mut self, place: usize) {
        let desk = self.chance.place(self.desks.len());
        let now = self.tell(desk);
        let request = &mut self.requests[place];
        if request.fate == Fate::Lost {
            return;
        }
        self.desks[desk].limiter.refresh(request.ticket, now);
        self.desks[desk].subject.flush().await;
        let millis = now.as_millisecond();
        if request.surely > self.latest {
            request.surely = request.surely.max(millis + TTL);
        }
        if request.perhaps > millis {
            request.perhaps = request.perhaps.max(millis + TTL);
        }
    }

    async fn end(&mut self, place: usize) {
        let desk = self.chance.place(self.desks.len());
        let request = &mut self.requests[place];
        request.is_over = true;
        let (ticket, actual, fate, owner) = (request.ticket, request.actual, request.fate, key_of(request));
        let limiter = &self.desks[desk].limiter;
        match fate {
            // Its reservation stays.
            Fate::Lost => return,
            Fate::Released => limiter.release(ticket, moment(self.now + self.skews[desk])),
            Fate::Settled => {
                limiter.settle(ticket, dollars(actual), moment(self.now + self.skews[desk]));
                let at = self.now + self.skews[desk];
                let is_theirs = |budget: &&mut Budget| {
                    actual > 0 && (budget.owner == owner || matches!(budget.owner, Owner::User(_)))
                };
                for budget in self.budgets.iter_mut().filter(is_theirs) {
                    budget.charges.push((at, actual));
                }
            }
        }
        let request = &mut self.requests[place];
        (request.surely, request.perhaps) = (i64::MIN, i64::MIN);
        self.tell(desk);
        self.desks[desk].subject.flush().await;
    }

    /// Used and reserved of each limit.
    async fn usage(&mut self, place: usize) -> Vec<(i64, i64)> {
        let desk = self.chance.place(self.desks.len());
        // Told by the clock that is furthest ahead, whoever asks.
        let now = self.latest.max(self.now);
        self.latest = now;
        let budget = &self.budgets[place];
        let usage = self.desks[desk].limiter.usage(budget.owner, budget.limits(), moment(now)).await.unwrap();
        let Known::Yes(usage) = usage else { panic!("{usage:?}") };
        let nanos = |quantity| match quantity {
            Quantity::Money(money) => money.nanos(),
            Quantity::Count(_) => panic!("all limits are of money"),
        };
        usage.into_iter().map(|window| (nanos(window.used), nanos(window.reserved))).collect()
    }

    async fn check(&mut self) -> Outcome {
        for place in 0..self.budgets.len() {
            let usage = self.usage(place).await;
            let (now, budget) = (self.latest, &self.budgets[place]);
            held(usage.len() == budget.rules().count(), || format!("{} limits", usage.len()))?;
            for (number, ((kind, slot, limit), (used, reserved))) in budget.rules().zip(usage).enumerate() {
                let name = || format!("{kind} of {:?} at {}", budget.owner, moment(now));
                let sum = budget.used(slot, now);
                held(used == sum, || format!("{}: used {used}, in the ledger {sum}", name()))?;
                let Promise { in_flight, lone } = budget.promise;
                let bound = limit + in_flight + lone[number];
                held(used <= bound, || format!("{}: {used} of {limit}, promised {bound}", name()))?;
                let (least, most) = self.reserved(place);
                held((least..=most).contains(&reserved), || {
                    format!("{}: reserved {reserved}, and not {least} to {most}", name())
                })?;
            }
        }
        Ok(())
    }

    /// How much may be reserved at least and at most.
    fn reserved(&self, place: usize) -> (i64, i64) {
        let is_theirs = |one: &&Request| place == 0 || key_of(one) == self.budgets[place].owner;
        let theirs = self.requests.iter().filter(is_theirs);
        let least = theirs.clone().filter(|one| one.surely > self.latest).map(|one| one.reserved).sum();
        (least, theirs.filter(|one| one.perhaps > self.latest).map(|one| one.reserved).sum())
    }
}

fn key_of(request: &Request) -> Owner {
    Owner::Key(request.ticket.user, request.ticket.key)
}
