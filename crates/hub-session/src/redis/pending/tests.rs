use std::time::Duration;

use hub_types::{KeyId, ProviderId, SessionId};
use jiff::Timestamp;

use super::{Becomes, Pending};
use crate::redis::write::{Departure, Write};
use crate::{BindingChange, ConversationHash, SessionEnd, SessionUsage, Trail};

const A: ProviderId = ProviderId(1);
const B: ProviderId = ProviderId(2);

fn session() -> SessionId {
    SessionId::new(KeyId(3), "a")
}

fn departure(binding: BindingChange, trail: Option<&Trail>) -> Write {
    let session = session();
    let end = SessionEnd {
        session: &session,
        routing: &session,
        binding,
        binding_ttl: Duration::from_secs(300),
        provider: None,
        status: 200,
        usage: SessionUsage::default(),
        trail,
        answer: None,
    };
    Write::Departure(Box::new(Departure::of(&end, Timestamp::UNIX_EPOCH)))
}

fn unbound(provider: ProviderId) -> Write {
    Write::Unbound { session: session(), provider }
}

#[test]
fn the_latest_of_several_entries_counts_until_all_of_them_have_left() {
    let pending = Pending::default();
    let writes = [
        departure(BindingChange::Bind(A), None),
        departure(BindingChange::Keep, None),
        departure(BindingChange::Bind(B), None),
        unbound(A),
    ];
    for write in &writes {
        pending.add(write);
    }
    assert_eq!(pending.binding_of(&session()), Some(Becomes::Bound(B)));
    for write in &writes {
        assert!(!pending.is_empty());
        pending.remove(write);
    }
    assert_eq!((pending.binding_of(&session()), pending.is_empty()), (None, true));
}

#[test]
fn a_binding_is_dropped_only_if_it_is_to_that_provider() {
    let pending = Pending::default();
    pending.add(&unbound(A));
    let becomes = pending.binding_of(&session()).unwrap();
    assert_eq!([Some(A), Some(B), None].map(|before| becomes.after(before)), [None, Some(B), None]);
    pending.add(&departure(BindingChange::Bind(A), None));
    assert_eq!(pending.binding_of(&session()), Some(Becomes::Bound(A)));
    pending.add(&unbound(A));
    assert_eq!(pending.binding_of(&session()), Some(Becomes::Unbound));
}

#[test]
fn the_deepest_new_hash_leads_to_the_session_and_to_nobody_elses() {
    let pending = Pending::default();
    let hashes = [ConversationHash(1), ConversationHash(2)];
    let trail = Trail { hashes: hashes.into_iter().collect(), known: 0 };
    let write = departure(BindingChange::Keep, Some(&trail));
    pending.add(&write);
    let found = pending.sessions_at(KeyId(3), &hashes);
    assert_eq!(found.as_slice(), [None, Some(session())]);
    assert_eq!(pending.sessions_at(KeyId(4), &hashes).as_slice(), [None, None]);
    pending.remove(&write);
    assert!(pending.is_empty());
}
