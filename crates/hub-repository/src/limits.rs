//! What limits ask of a repository: what was charged (their counters come back from it), and what they refused.

use jiff::Timestamp;

use hub_types::{KeyId, ProviderId, UserId};

/// Whose charges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChargedTo {
    /// A user's, over all keys.
    User(UserId),
    /// A key's.
    Key(KeyId),
    /// A provider's.
    Provider(ProviderId),
}

/// What is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Charged {
    /// Nano-dollars of the ledger; a line that cost nothing, or has no known price, is no charge.
    Money,
    /// Tokens of the ledger: everything in and out ([`hub_types::Usage::total`]).
    Tokens,
    /// Requests that were not refused and did not only ask for a count of tokens, by the time they came in. Those still under way have no record yet.
    Requests,
}

/// How finely it is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SumBy {
    /// One sum, under the time of its first charge or of the hour that this lies in.
    All,
    /// A sum for each minute, under the time of its first charge.
    Minute,
    /// A sum for each second, under the time of its first charge.
    Second,
}

/// One sum that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SumWanted {
    /// Of what.
    pub charged: Charged,
    /// From this moment on; `None` = of all time.
    pub from: Option<Timestamp>,
    /// How finely.
    pub by: SumBy,
}

/// A question to the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerQuestion {
    /// Whose charges.
    pub owner: ChargedTo,
    /// Only those before this moment.
    pub before: Timestamp,
    /// Which sums.
    pub wanted: Vec<SumWanted>,
}

/// One sum of the answer: since when, how much.
pub type LedgerSum = (Timestamp, i64);

/// Requests that a limit refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitEvent {
    /// When: the hour counts.
    pub hour: Timestamp,
    /// Which limit: `rpm`, `usd_5h`, …
    pub kind: String,
    /// Whose requests.
    pub user_id: UserId,
    /// With which key.
    pub key_id: KeyId,
    /// How many.
    pub count: u64,
}

/// Which refusals are wanted. Bounds are cut to whole hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitEventFilter {
    /// From this hour on.
    pub from: Timestamp,
    /// Before this hour.
    pub to: Timestamp,
    /// By this limit.
    pub kind: Option<String>,
    /// Of this user.
    pub user_id: Option<UserId>,
    /// Of this key.
    pub key_id: Option<KeyId>,
    /// At most so many rows: the latest hours first, within an hour by limit, user and key.
    pub limit: u32,
    /// Only what comes after this row in that order.
    pub beyond: Option<LimitEventMark>,
}

/// A row's place in the order of [`LimitEventFilter`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitEventMark {
    /// Its hour.
    pub hour: Timestamp,
    /// Its limit.
    pub kind: String,
    /// Its user.
    pub user_id: UserId,
    /// Its key.
    pub key_id: KeyId,
}
