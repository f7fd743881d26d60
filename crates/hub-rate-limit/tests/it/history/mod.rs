//! Random histories of a few owners. Limiters [`play`] them and are held to a [`model`] that is too simple to be
//! wrong; two limiters that play the same history can be compared as well.
//!
//! Clocks go forward here, but charges may be told late. What clocks do to budgets is in `crate::schedule`.

mod coverage;
mod generate;
pub(crate) mod model;
mod play;

use std::ops::Range;

use hub_rate_limit::{Amount, BudgetMode, Limits, Owner, Refusal, Ticket, Verdict, WindowUsage};
use hub_types::{KeyId, Money, MoneyLimits, ProviderId, UserId};
use jiff::{SignedDuration, Timestamp};

use crate::contract::{Desk, Subject, noon};

pub(crate) use coverage::Coverage;
pub(crate) use play::play;

pub(crate) const CALLERS: usize = 3;
pub(crate) const PROVIDERS: usize = 2;
pub(crate) const OWNERS: usize = 7;

/// Each is looked at in a millisecond of its own.
const OWNERS_MILLIS: i64 = 7;

/// The users of the callers: the first two share one.
const USER_OF: [usize; CALLERS] = [0, 0, 1];

/// An owner's limits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    pub(crate) rpm: Option<u32>,
    pub(crate) money: MoneyLimits,
    pub(crate) tokens: Option<u64>,
}

impl Row {
    pub(crate) fn limits(&self) -> Limits<'_> {
        Limits { rpm: self.rpm, money: &self.money, tokens: self.tokens }
    }
}

/// Something that happens. Callers, providers and owners are named by their numbers, requests and attempts by
/// which one they are (wrapping around, nothing if there is none). `late` = told that many milliseconds late.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Pass {
        millis: i64,
    },
    /// Up to a bit before or after the next time that this divides.
    Align {
        millis: i64,
        off: i64,
    },
    Admit {
        caller: usize,
        estimate: Amount,
        worst_case: Amount,
        mode: BudgetMode,
    },
    /// Tells the last admission once more.
    Again,
    Settle {
        request: usize,
        actual: Amount,
        late: i64,
    },
    Release {
        request: usize,
    },
    Refresh {
        request: usize,
    },
    ChargeProvider {
        provider: usize,
        actual: Amount,
        late: i64,
    },
    ChargeCaller {
        caller: usize,
        actual: Amount,
        late: i64,
    },
    /// Tells a charge of an attempt once more.
    ChargeAgain {
        attempt: usize,
    },
    Rooms,
    /// Usage; if the ledger is asked, this is charged before it answers.
    Look {
        owner: usize,
        meanwhile: Amount,
    },
    Reset {
        owner: usize,
    },
    Change {
        owner: usize,
        row: Box<Row>,
    },
    Move {
        zone: &'static str,
    },
    Sweep,
}

/// What happens, one after the other, to owners with these limits and this past.
#[derive(Debug, Clone)]
pub(crate) struct History {
    #[expect(dead_code, reason = "to be read by whoever looks into a failure")]
    pub(crate) seed: u64,
    pub(crate) zone: &'static str,
    pub(crate) rows: Vec<Row>,
    /// Charged before the beginning: to whom, how long before, how much; by time.
    pub(crate) past: Vec<(usize, i64, Amount)>,
    pub(crate) steps: Vec<Step>,
}

/// What is to be seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Verdict(Verdict),
    Rooms(Vec<Option<Refusal>>),
    Usage(Vec<WindowUsage>),
}

/// Which step showed what.
pub(crate) type Sights = Vec<(usize, Seen)>;

pub(crate) fn amount(nanos: i64, tokens: i64) -> Amount {
    Amount { money: Money::from_nanos(nanos), tokens: u64::try_from(tokens).unwrap() }
}

/// Owners of a history, apart from those of all others in the same store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cast(pub(crate) i64);

impl Cast {
    const FIRST: i64 = 1_000_000;

    fn id(self, number: usize) -> i64 {
        Self::FIRST + 16 * self.0 + i64::try_from(number).unwrap()
    }

    /// Users are 0 and 1, keys 2, 3 and 4, providers 5 and 6.
    pub(crate) fn owner(self, number: usize) -> Owner {
        match number {
            0 | 1 => Owner::User(UserId(self.id(number))),
            2..5 => Owner::Key(UserId(self.id(USER_OF[number - 2])), KeyId(self.id(number))),
            _ => Owner::Provider(self.provider(number - 5)),
        }
    }

    fn provider(self, number: usize) -> ProviderId {
        ProviderId(self.id(5 + number))
    }

    fn ticket(self, caller: usize) -> Ticket {
        let request = hub_types::RequestId::fresh();
        Ticket { request, user: UserId(self.id(USER_OF[caller])), key: KeyId(self.id(2 + caller)) }
    }
}

/// The numbers of a caller's key and user, in the order in which they are asked.
fn payers(caller: usize) -> [usize; 2] {
    [2 + caller, USER_OF[caller]]
}

/// Who pays when something is charged to an owner.
#[derive(Debug, Clone, Copy)]
enum Payee {
    Caller(usize),
    Provider(usize),
}

fn payee(owner: usize) -> Payee {
    match owner {
        0 | 1 => Payee::Caller(owner + 1),
        2..5 => Payee::Caller(owner - 2),
        _ => Payee::Provider(owner - 5),
    }
}

/// What all sides of a history know: the time, the limits.
#[derive(Debug, Clone)]
struct Scene {
    now: Timestamp,
    rows: Vec<Row>,
}

impl Scene {
    fn new(history: &History) -> Self {
        Self { now: noon(), rows: history.rows.clone() }
    }

    fn before(&self, millis: i64) -> Timestamp {
        self.now - SignedDuration::from_millis(millis)
    }

    /// The time of a charge that is told late: not from before everybody was looked at for the first time, since
    /// of then the ledger is asked.
    fn late(&self, millis: i64) -> Timestamp {
        self.before(millis).max(noon() + SignedDuration::from_millis(OWNERS_MILLIS)).min(self.now)
    }

    /// What a step does to clock and limits. None happens in the same millisecond as the one before: of two
    /// charges in the one in which a limiter asks the ledger, nobody could tell which it has to count.
    fn follow(&mut self, step: &Step) {
        self.now += SignedDuration::from_millis(1);
        match step {
            Step::Pass { millis } => self.now += SignedDuration::from_millis(*millis),
            Step::Align { millis, off } => {
                let over = self.now.as_millisecond().rem_euclid(*millis);
                self.now += SignedDuration::from_millis((millis - over + off).max(0));
            }
            Step::Reset { owner } => {
                self.rows[*owner].money.cost_reset_at = Some(self.now);
            }
            Step::Change { owner, row } => {
                let cost_reset_at = self.rows[*owner].money.cost_reset_at;
                let row = (**row).clone();
                self.rows[*owner] = Row { money: MoneyLimits { cost_reset_at, ..row.money }, ..row };
            }
            _ => {}
        }
    }
}

/// Plays histories of these seeds on desks that last for so many of them, and compares what was seen to the
/// model. Tells the shortest history that it can find when they differ, and else what they came across.
pub(crate) async fn agree_with_the_model<S: Subject>(
    seeds: Range<u64>,
    steps: usize,
    histories_per_desk: u64,
) -> Coverage {
    let mut coverage = Coverage::default();
    let mut desk = Desk::<S>::new().await;
    let mut casts = (0..).map(Cast);
    for seed in seeds {
        if seed % histories_per_desk == 0 {
            desk = Desk::<S>::new().await;
        }
        let history = History::random(seed, steps);
        let cast = casts.next().unwrap();
        let expected = model::expect(&history, cast);
        if play(&desk, &history, cast).await == expected {
            coverage.note(&history, cast, &expected);
            continue;
        }
        let mut shortest = history;
        let mut place = 0;
        while place < shortest.steps.len() {
            let mut shorter = shortest.clone();
            // Looks may be what makes late charges sound.
            if matches!(shorter.steps.remove(place), Step::Look { .. }) {
                place += 1;
                continue;
            }
            let (desk, cast) = (Desk::<S>::new().await, casts.next().unwrap());
            if play(&desk, &shorter, cast).await == model::expect(&shorter, cast) {
                place += 1;
            } else {
                shortest = shorter;
            }
        }
        let (desk, cast) = (Desk::<S>::new().await, casts.next().unwrap());
        let (seen, expected) = (play(&desk, &shortest, cast).await, model::expect(&shortest, cast));
        let first = seen.iter().zip(&expected).find(|(seen, expected)| seen != expected);
        panic!("{shortest:?}\nfirst difference, seen and expected: {first:#?}");
    }
    coverage
}
