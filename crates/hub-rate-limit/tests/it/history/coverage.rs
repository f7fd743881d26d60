//! What random histories have come across: a comparison says nothing of a limit that was never met.

use std::collections::BTreeSet;

use hub_rate_limit::{Cause, LimitType, Owner, Refusal, Slot, Verdict};
use hub_types::ResetMode;

use super::{Cast, History, OWNERS, Row, Seen, Sights, Step};

/// Whose limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    User,
    Key,
    Provider,
}

/// What may have happened to a counter before it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Reset,
    /// Its row was edited: the limit, the mode, the reset time.
    Edit,
    Zone,
    Sweep,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    refused: BTreeSet<(Whose, Slot, &'static str)>,
    /// Of counters with something in them.
    looked_at: BTreeSet<(Whose, Slot, Option<Event>)>,
}

const fn word(cause: Cause) -> &'static str {
    match cause {
        Cause::Spent => "spent",
        Cause::Reserved => "reserved",
        Cause::TooLarge => "too large",
    }
}

fn whose(owner: Owner) -> Whose {
    match owner {
        Owner::User(_) => Whose::User,
        Owner::Key(..) => Whose::Key,
        Owner::Provider(_) => Whose::Provider,
    }
}

fn slot(kind: LimitType, row: &Row) -> Slot {
    match (kind, row.money.limit_5h_reset_mode, row.money.daily_reset_mode) {
        (LimitType::Rpm, ..) => Slot::Rpm,
        (LimitType::Usd5h, ResetMode::Rolling, _) => Slot::Rolling5h,
        (LimitType::Usd5h, ResetMode::Fixed, _) => Slot::Fixed5h,
        (LimitType::UsdDaily, _, ResetMode::Rolling) => Slot::Rolling24h,
        (LimitType::UsdDaily, _, ResetMode::Fixed) => Slot::Daily,
        (LimitType::UsdWeekly, ..) => Slot::Weekly,
        (LimitType::UsdMonthly, ..) => Slot::Monthly,
        (LimitType::UsdTotal, ..) => Slot::Total,
        (LimitType::TokensTotal, ..) => Slot::Tokens,
    }
}

const MONEY: [Slot; 7] =
    [Slot::Rolling5h, Slot::Fixed5h, Slot::Rolling24h, Slot::Daily, Slot::Weekly, Slot::Monthly, Slot::Total];

impl Coverage {
    /// Takes in what was seen of a history.
    pub(crate) fn note(&mut self, history: &History, cast: Cast, sights: &Sights) {
        let mut rows = history.rows.clone();
        let mut events = vec![BTreeSet::new(); OWNERS];
        let mut sights = sights.iter().peekable();
        for (number, step) in history.steps.iter().enumerate() {
            let mut to_all = |event| {
                for events in &mut events {
                    events.insert(event);
                }
            };
            match step {
                Step::Move { .. } => to_all(Event::Zone),
                Step::Sweep => to_all(Event::Sweep),
                Step::Reset { owner } => {
                    events[*owner].insert(Event::Reset);
                }
                Step::Change { owner, row } => {
                    rows[*owner] = (**row).clone();
                    events[*owner].insert(Event::Edit);
                }
                _ => {}
            }
            while let Some((_, seen)) = sights.next_if(|(at, _)| *at == number) {
                match seen {
                    Seen::Verdict(Verdict::Refused(refusal)) => self.refusal(refusal, cast, &rows),
                    Seen::Verdict(Verdict::Admitted) => {}
                    Seen::Rooms(rooms) => {
                        rooms.iter().flatten().for_each(|refusal| self.refusal(refusal, cast, &rows));
                    }
                    Seen::Usage(usage) => {
                        let Step::Look { owner, .. } = step else { panic!("{step:?}") };
                        let name = whose(cast.owner(*owner));
                        for window in usage.iter().filter(|window| window.used.to_string() != "0") {
                            let slot = slot(window.limit_type, &rows[*owner]);
                            let happened = events[*owner].iter().map(|event| Some(*event));
                            self.looked_at.extend(happened.chain([None]).map(|event| (name, slot, event)));
                        }
                    }
                }
            }
        }
    }

    fn refusal(&mut self, refusal: &Refusal, cast: Cast, rows: &[Row]) {
        let number = (0..OWNERS).find(|number| cast.owner(*number) == refusal.owner).unwrap();
        let slot = slot(refusal.limit_type, &rows[number]);
        self.refused.insert((whose(refusal.owner), slot, word(refusal.cause)));
    }

    /// Adds what others have come across.
    #[cfg(feature = "redis")]
    pub(crate) fn add(&mut self, other: Self) {
        self.refused.extend(other.refused);
        self.looked_at.extend(other.looked_at);
    }

    /// Each limit of everybody has refused for each reason that it can have, and was looked at after everything
    /// that can happen to it.
    pub(crate) fn assert_complete(&self) {
        for name in [Whose::User, Whose::Key, Whose::Provider] {
            let mut slots = MONEY.to_vec();
            slots.extend((name != Whose::Provider).then_some(Slot::Rpm));
            slots.extend((name == Whose::Key).then_some(Slot::Tokens));
            for slot in slots {
                // Nothing is reserved of requests per minute, and nothing at providers.
                let is_reserved = name != Whose::Provider && slot != Slot::Rpm;
                let causes = if is_reserved { &["spent", "reserved", "too large"][..] } else { &["spent"] };
                for cause in causes {
                    assert!(self.refused.contains(&(name, slot, *cause)), "{name:?} {slot:?} never {cause}");
                }
                for event in
                    [None, Some(Event::Reset), Some(Event::Edit), Some(Event::Zone), Some(Event::Sweep)]
                {
                    let is_met = self.looked_at.contains(&(name, slot, event));
                    assert!(is_met, "{name:?} {slot:?} was never looked at after {event:?}");
                }
            }
        }
    }
}
