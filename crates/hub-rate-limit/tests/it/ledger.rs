//! A ledger for limiters under test: a list of what was charged, that answers what limiters ask.

use hub_rate_limit::{Grain, Owner, Past, Restore, Slot, Wanted};
use jiff::{SignedDuration, Timestamp};

/// What is counted at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A request was let in.
    Request,
    /// It cost so many nano-dollars and tokens.
    Charge { nanos: i64, tokens: i64 },
}

/// Everything that was ever charged.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    lines: Vec<(Owner, Timestamp, Entry)>,
}

impl Ledger {
    pub(crate) fn write(&mut self, owners: &[Owner], at: Timestamp, entry: Entry) {
        self.lines.extend(owners.iter().map(|owner| (*owner, at, entry)));
    }

    /// What a counter counts of an owner, in the order in which it was told.
    pub(crate) fn amounts(&self, owner: Owner, slot: Slot) -> impl Iterator<Item = (Timestamp, i64)> {
        self.lines.iter().filter(move |line| line.0 == owner).filter_map(move |(_, at, entry)| {
            match (slot, *entry) {
                (Slot::Rpm, Entry::Request) => Some((*at, 1)),
                (Slot::Rpm, Entry::Charge { .. }) | (_, Entry::Request) => None,
                (Slot::Tokens, Entry::Charge { tokens, .. }) => Some((*at, tokens)),
                (_, Entry::Charge { nanos, .. }) => Some((*at, nanos)),
            }
        })
    }

    /// The answer to a question, as its [`Grain`]s ask for it.
    pub(crate) fn answer(&self, question: &Restore) -> Vec<Past> {
        let past = |wanted: &Wanted| Past { wanted: *wanted, charges: self.charges(question, *wanted) };
        question.wanted.iter().map(past).collect()
    }

    fn charges(&self, question: &Restore, wanted: Wanted) -> Vec<(Timestamp, i64)> {
        // What cost nothing is no charge.
        let is_meant = |(at, amount): &(Timestamp, i64)| {
            wanted.from.is_none_or(|from| *at >= from) && *at < question.before && *amount > 0
        };
        let mut charges: Vec<_> = self.amounts(question.owner, wanted.slot).filter(is_meant).collect();
        charges.sort_by_key(|(at, _)| *at);
        let seconds = match wanted.grain {
            Grain::Whole => {
                let sum = charges.iter().map(|(_, amount)| amount).sum();
                let any = question.before - SignedDuration::from_millis(1);
                return charges.first().map(|_| (any, sum)).into_iter().collect();
            }
            Grain::Minute => 60,
            Grain::Second => 1,
        };
        charges
            .chunk_by(|(one, _), (next, _)| one.as_second() / seconds == next.as_second() / seconds)
            .filter_map(|chunk| {
                let (at, _) = chunk.first()?;
                Some((*at, chunk.iter().map(|(_, amount)| amount).sum()))
            })
            .collect()
    }
}
