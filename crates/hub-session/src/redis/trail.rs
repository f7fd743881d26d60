//! How a conversation is recognised from now on, once its request was successful.
//!
//! "Whoever goes on from a hash is this session." The deepest hash that a request was recognised by is handed
//! on to a branch, so that a different continuation from there becomes a session of its own; and of the hashes
//! of a conversation that nobody knew, all but the deepest are given to branches. Both need answers, as
//! somebody else may have been first.

use hub_redis::{Batch, RedisReply};

use super::keys::{self, Lifetimes};
use super::scripts::{HAND_ON, RENEW};
use super::write::{Departure, put_conversation};
use crate::conversation::branch;
use crate::{BindingChange, ConversationHash};
use hub_types::SessionId;

/// What [`RENEW`] answers where there was no entry.
const ABSENT: i64 = -2;

/// Adds the commands of a departure's trail. `Some` = the place in the batch of the first command whose answer
/// [`finish`] needs.
pub(super) fn begin(departure: &Departure, batch: &mut Batch, life: &Lifetimes) -> Option<usize> {
    let (met, new) = departure.trail.as_ref()?.parts();
    let session = &departure.session;
    let Some((&last, earlier)) = met.split_last() else {
        let (&deepest, openings) = new.split_last()?;
        put_conversation(batch, session, deepest, life);
        let first = batch.len();
        for &opening in openings {
            renew(batch, session, opening, branch(session, opening).as_str(), life);
        }
        return (!openings.is_empty()).then_some(first);
    };
    for &hash in earlier {
        renew(batch, session, hash, "", life);
    }
    if new.is_empty() {
        renew(batch, session, last, session.as_str(), life);
        return None;
    }
    let branch = branch(session, last);
    let entry = keys::conversation(session.key(), last);
    let arguments = [session.as_str().into(), branch.as_str().into(), life.conversation.into()];
    batch.script(&HAND_ON, &[&entry], arguments);
    Some(batch.len() - 1)
}

/// Adds what follows from the answers, given from the place on that [`begin`] told.
pub(super) fn finish(departure: &Departure, answers: &[RedisReply], batch: &mut Batch, life: &Lifetimes) {
    let Some(trail) = departure.trail.as_ref() else { return };
    let (met, new) = trail.parts();
    let Some((&deepest, openings)) = new.split_last() else { return };
    let Some(&point) = met.last() else {
        for (&opening, answer) in openings.iter().zip(answers) {
            if answer.int() == Some(ABSENT) {
                bind(departure, &branch(&departure.session, opening), batch, life);
            }
        }
        return;
    };
    // Whoever comes second goes on as a branch: the two began alike, and separate all the same.
    let handed_on = answers.first().and_then(RedisReply::int) == Some(1);
    let other = branch(&departure.session, if handed_on { point } else { deepest });
    let owner = if handed_on { &departure.session } else { &other };
    for &hash in new {
        put_conversation(batch, owner, hash, life);
    }
    bind(departure, &other, batch, life);
}

/// A branch starts with the binding that the departure leaves.
fn bind(departure: &Departure, branch: &SessionId, batch: &mut Batch, life: &Lifetimes) {
    if let BindingChange::Bind(provider) = departure.binding {
        departure.put_binding(batch, branch, provider, life);
    }
}

fn renew(batch: &mut Batch, session: &SessionId, hash: ConversationHash, if_absent: &str, life: &Lifetimes) {
    let arguments = [life.conversation.into(), life.renewal.into(), if_absent.into()];
    batch.script(&RENEW, &[&keys::conversation(session.key(), hash)], arguments);
}
