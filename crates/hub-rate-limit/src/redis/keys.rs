//! Every key in Redis that limits use, and how long it lasts. Operators and tools know these names.
//!
//! | key | type | what | lasts |
//! | --- | --- | --- | --- |
//! | `limit:{u:USER}:user` | text, packed | the user's counters | 40 days |
//! | `limit:{u:USER}:key:KEY` | text, packed | a key's counters | 40 days |
//! | `limit:{p:PROVIDER}:provider` | text, packed | the provider's counters | 40 days |
//! | one of these and `:rpm` | hash | requests by second | 62 s and an hour |
//! | … `:5h_rolling`, `:5h_fixed` | hash | charges by minute | 5 hours and one more |
//! | … `:day_rolling` | hash | charges by minute | 24 hours and one more |
//! | `limit:{u:USER}:held` | hash | reservations | their time to live and an hour |
//! | `limit:{u:USER}:done`, `limit:{p:PROVIDER}:done` | sorted set | charges that are in already | an hour |
//!
//! What lies between braces decides the slot in a cluster: all that one script needs lies together. A time to
//! live begins anew with every write, that of buckets and reservations once a minute. Counters that go, even a part
//! of them, are read from the ledger again; reservations that go do not come back.
//!
//! Packed are nine records of one length, one for each slot, as `scripts/buckets.lua` tells. A text of another
//! layout counts as gone.

use hub_types::{ProviderId, UserId};

use crate::limit::Owner;
use crate::time::{HOUR, Ms};

/// How long the counters of an owner last.
pub(super) const OWNER: Ms = 40 * 24 * HOUR;
/// How long it is remembered that a charge is in already.
pub(super) const DONE: Ms = HOUR;
/// How many of them are, for each user and provider.
pub(super) const MOST_DONE: i64 = 2_048;
/// Reservations outlast their time to live by this, for clocks differ.
pub(super) const HELD_SLACK: Ms = HOUR;
/// All keys.
pub(super) const ALL: &str = "limit:{*";

/// The slots that have buckets of their own, in the order in which scripts expect their keys.
const BUCKETS: [&str; 4] = ["rpm", "5h_rolling", "day_rolling", "5h_fixed"];

/// The keys of an owner: its counters, and the buckets of some.
pub(super) fn of_owner(owner: Owner) -> [String; 5] {
    let name = match owner {
        Owner::User(user) => format!("limit:{{u:{user}}}:user"),
        Owner::Key(user, key) => format!("limit:{{u:{user}}}:key:{key}"),
        Owner::Provider(provider) => format!("limit:{{p:{provider}}}:provider"),
    };
    let [rpm, rolling, day, fixed] = BUCKETS.map(|slot| format!("{name}:{slot}"));
    [name, rpm, rolling, day, fixed]
}

/// The reservations of a user's requests.
pub(super) fn held(user: UserId) -> String {
    format!("limit:{{u:{user}}}:held")
}

/// The charges to a user and their keys that are in already.
pub(super) fn done_of_user(user: UserId) -> String {
    format!("limit:{{u:{user}}}:done")
}

/// The charges to a provider that are in already; providers have no reservations.
pub(super) fn of_provider(provider: ProviderId) -> [String; 2] {
    [format!("limit:{{p:{provider}}}:held"), format!("limit:{{p:{provider}}}:done")]
}

/// What an owner is called among the reservations.
pub(super) fn name_in_held(owner: Owner) -> String {
    match owner {
        Owner::User(_) => "u".to_owned(),
        Owner::Key(_, key) => format!("k{key}"),
        Owner::Provider(_) => "p".to_owned(),
    }
}
