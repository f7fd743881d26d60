//! How a conversation is recognised from now on, once its request was successful.
//!
//! "Whoever goes on from a hash is this session." The deepest hash that a request was recognised by is handed
//! on to a branch, so that a different continuation from there becomes a session of its own; that needs an
//! answer, as another continuation may have been first.

use hub_redis::Batch;

use super::keys::{self, Lifetimes};
use super::scripts::{HAND_ON, RENEW};
use super::write::{Departure, put_conversation};
use crate::conversation::branch;
use crate::{BindingChange, ConversationHash};
use hub_types::SessionId;

/// Adds the commands of a departure's trail. `Some` = the place in the batch of the command whose answer
/// [`finish`] needs.
pub(super) fn begin(departure: &Departure, batch: &mut Batch, life: &Lifetimes) -> Option<usize> {
    let trail = departure.trail.as_ref()?;
    let session = &departure.session;
    let known = trail.known.min(trail.hashes.len());
    let (met, deeper) = trail.hashes.split_at(known);
    let Some((&last, earlier)) = met.split_last() else {
        for &hash in deeper {
            put_conversation(batch, session, hash, life);
        }
        return None;
    };
    for &hash in earlier {
        renew(batch, session, hash, "", life);
    }
    if deeper.is_empty() {
        renew(batch, session, last, session.as_str(), life);
        return None;
    }
    let branch = branch(session, last);
    let entry = keys::conversation(session.key(), last);
    let arguments = [session.as_str().into(), branch.as_str().into(), life.conversation.into()];
    batch.script(&HAND_ON, &[&entry], arguments);
    Some(batch.len() - 1)
}

/// Adds what follows from the answer.
pub(super) fn finish(departure: &Departure, handed_on: bool, batch: &mut Batch, life: &Lifetimes) {
    let Some(trail) = departure.trail.as_ref() else { return };
    let (met, deeper) = trail.hashes.split_at(trail.known.min(trail.hashes.len()));
    let (Some(&point), Some(&deepest)) = (met.last(), deeper.last()) else { return };
    // Whoever comes second goes on as a branch: the two began alike, and separate all the same.
    let new = branch(&departure.session, if handed_on { point } else { deepest });
    let owner = if handed_on { &departure.session } else { &new };
    for &hash in deeper {
        put_conversation(batch, owner, hash, life);
    }
    if let BindingChange::Bind(provider) = departure.binding {
        departure.put_binding(batch, &new, provider, life);
    }
}

fn renew(batch: &mut Batch, session: &SessionId, hash: ConversationHash, if_absent: &str, life: &Lifetimes) {
    let arguments = [life.conversation.into(), life.renewal.into(), if_absent.into()];
    batch.script(&RENEW, &[&keys::conversation(session.key(), hash)], arguments);
}
