//! What is written without anybody waiting for it. Each entry is one script; told twice, it changes nothing
//! more, so that what may have been lost on the way can be sent again.

use hub_redis::{Argument, Batch};
use hub_types::{AttemptId, KeyId, UserId};
use smallvec::SmallVec;
use tokio::sync::oneshot;

use super::ask;
use super::keys;
use super::scripts::{FINISH, OUTDATE, REFRESH};
use crate::judge::Amount;
use crate::limit::Owner;
use crate::limiter::{Payer, Ticket};
use crate::time::Ms;

/// One entry of the queue.
#[derive(Debug)]
pub(super) enum Write {
    /// A request was let in while Redis was not asked.
    Booked { ticket: Ticket, owners: SmallVec<[Owner; 2]>, amount: Amount, at: Ms },
    /// A request has ended and took this.
    Settled { ticket: Ticket, actual: Amount, at: Ms },
    /// A request has ended and cost nothing.
    Released { ticket: Ticket, at: Ms },
    /// A request is still running.
    Refreshed { ticket: Ticket, at: Ms },
    /// An attempt is charged.
    Charged { attempt: AttemptId, payer: Payer, actual: Amount, at: Ms },
    /// The ledger has got a line of that time late.
    Outdated { owner: Owner, at: Ms },
    /// Somebody wants to know when everything before this is done.
    Barrier(oneshot::Sender<()>),
}

/// Key and user, in the order in which they are asked.
pub(super) fn callers(user: UserId, key: KeyId) -> [Owner; 2] {
    [Owner::Key(user, key), Owner::User(user)]
}

impl Write {
    /// Who pays for it. If it is lost, their counters are.
    pub(super) fn payers(&self) -> SmallVec<[Owner; 2]> {
        match self {
            Self::Settled { ticket: Ticket { user, key, .. }, .. }
            | Self::Charged { payer: Payer::Caller(user, key), .. } => callers(*user, *key).into(),
            Self::Charged { payer: Payer::Provider(provider), .. } => {
                [Owner::Provider(*provider)].into_iter().collect()
            }
            Self::Outdated { owner, .. } => [*owner].into_iter().collect(),
            Self::Booked { .. } | Self::Released { .. } | Self::Refreshed { .. } | Self::Barrier(_) => {
                SmallVec::new()
            }
        }
    }

    pub(super) fn is_barrier(&self) -> bool {
        matches!(self, Self::Barrier(_))
    }

    /// Adds its script.
    pub(super) fn put(&self, batch: &mut Batch, reservation_ttl: Ms) {
        match *self {
            Self::Booked { ticket, ref owners, amount, at } => {
                let request = ticket.request.to_string();
                let lifetime = reservation_ttl.saturating_add(keys::HELD_SLACK);
                let tail = [LET_IN.into(), reservation_ttl.into(), lifetime.into()];
                let tail = tail.into_iter().chain(names_in_held(owners));
                put_finish(batch, owners, (&request, &format!("r{request}")), amount, at, tail);
            }
            Self::Settled { ticket, actual, at } => {
                let request = ticket.request.to_string();
                let name = format!("r{request}");
                let owners = callers(ticket.user, ticket.key);
                put_finish(batch, &owners, (&request, &name), actual, at, names_in_held(&owners));
            }
            Self::Released { ticket, at } => {
                let request = ticket.request.to_string();
                let owners = callers(ticket.user, ticket.key);
                put_finish(batch, &owners, (&request, ""), ask::NOTHING, at, names_in_held(&owners));
            }
            Self::Refreshed { ticket, at } => {
                let lifetime = reservation_ttl.saturating_add(keys::HELD_SLACK);
                let request = ticket.request.to_string();
                let arguments = [at.into(), request.into(), reservation_ttl.into(), lifetime.into()];
                batch.script(&REFRESH, &[&keys::held(ticket.user)], arguments);
            }
            Self::Charged { attempt, payer: Payer::Provider(provider), actual, at } => {
                let name = format!("p{attempt}");
                put_finish(batch, &[Owner::Provider(provider)], ("", &name), actual, at, []);
            }
            Self::Charged { attempt, payer: Payer::Caller(user, key), actual, at } => {
                let name = format!("c{attempt}");
                put_finish(batch, &callers(user, key), ("", &name), actual, at, []);
            }
            Self::Outdated { owner, at } => {
                let names = keys::of_owner(owner);
                let arguments = [at.into(), keys::OWNER.into()];
                batch.script(&OUTDATE, &names.each_ref().map(String::as_str), arguments);
            }
            Self::Barrier(_) => {}
        }
    }
}

/// What the script is told first when it is to make a reservation. No owner is called that.
const LET_IN: &str = "in";

fn names_in_held(owners: &[Owner]) -> impl Iterator<Item = Argument> {
    owners.iter().map(|owner| keys::name_in_held(*owner).into())
}

/// Drops the reservation of a request, if it is named, and books a charge, if it is named. At the end come the
/// names of the owners at the reservations; if before them it is told so, and a time to live and how long it is
/// kept, it makes the reservation instead: all in one script, as only the order of the same script's calls is sure.
fn put_finish(
    batch: &mut Batch,
    payers: &[Owner],
    (request, name): (&str, &str),
    actual: Amount,
    at: Ms,
    reservation: impl IntoIterator<Item = Argument>,
) {
    let [held, done] = match payers.first() {
        Some(Owner::User(user) | Owner::Key(user, _)) => [keys::held(*user), keys::done_of_user(*user)],
        Some(Owner::Provider(provider)) => keys::of_provider(*provider),
        None => return,
    };
    let mut names: SmallVec<[String; 12]> = [held, done].into_iter().collect();
    if !name.is_empty() {
        names.extend(payers.iter().flat_map(|payer| keys::of_owner(*payer)));
    }
    let names: SmallVec<[&str; 12]> = names.iter().map(String::as_str).collect();
    let head = [at.into(), keys::OWNER.into(), request.into(), name.into()];
    // The rank of the latest of those that are forgotten.
    let tail = [(-1 - keys::MOST_DONE).into(), keys::DONE.into()];
    let arguments: [Argument; 2] = ask::amounts(actual);
    batch.script_with(&FINISH, &names, head.into_iter().chain(arguments).chain(tail).chain(reservation));
}
