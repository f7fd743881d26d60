//! Bodies kept in this process: bounded in bytes and in time.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use parking_lot::Mutex;

use hub_types::SessionId;

use super::{MessagePart, StoredMessages};

/// The most bytes that all bodies take together.
const MAX_BYTES: usize = 64 << 20;
/// What an entry takes besides its body and its session's id, about.
const ENTRY_BYTES: usize = 256;

/// The last request and the last answer of each session, for as long as it is active. When there is no room,
/// what was kept longest ago goes first.
pub struct MessageShelf {
    ttl: Duration,
    max_bytes: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: HashMap<(SessionId, MessagePart), Entry>,
    /// In the order in which they were kept, which is the order in which they expire.
    by_age: BTreeMap<u64, (SessionId, MessagePart)>,
    next: u64,
    bytes: usize,
}

struct Entry {
    body: Bytes,
    expires: Timestamp,
    turn: u64,
}

impl MessageShelf {
    /// An empty shelf, where bodies stay for as long as a session stays active.
    pub fn new(ttl: Duration) -> Self {
        Self::with_room(ttl, MAX_BYTES)
    }

    fn with_room(ttl: Duration, max_bytes: usize) -> Self {
        Self { ttl, max_bytes, state: Mutex::default() }
    }

    /// Keeps a body in place of the session's last one. One that is larger than the whole shelf is not kept.
    pub fn keep(&self, session: &SessionId, part: MessagePart, body: Bytes, now: Timestamp) {
        let mut state = self.state.lock();
        let name = (session.clone(), part);
        state.remove(&name);
        let size = size_of(&name, &body);
        if size > self.max_bytes {
            return;
        }
        state.drop_expired(now);
        while state.bytes + size > self.max_bytes && state.drop_oldest() {}
        let turn = state.next;
        state.next += 1;
        state.bytes += size;
        state.by_age.insert(turn, name.clone());
        let expires = now.checked_add(self.ttl).unwrap_or(Timestamp::MAX);
        state.entries.insert(name, Entry { body, expires, turn });
    }

    /// What is kept of a session.
    pub fn read(&self, session: &SessionId, now: Timestamp) -> StoredMessages {
        let state = self.state.lock();
        let body = |part| {
            let entry = state.entries.get(&(session.clone(), part))?;
            (entry.expires > now).then(|| entry.body.clone())
        };
        StoredMessages { request: body(MessagePart::Request), response: body(MessagePart::Response) }
    }

    /// Forgets what is kept of a session. Was there anything?
    pub fn remove(&self, session: &SessionId) -> bool {
        let mut state = self.state.lock();
        let [request, response] =
            [MessagePart::Request, MessagePart::Response].map(|part| state.remove(&(session.clone(), part)));
        request || response
    }

    /// Forgets what has expired.
    pub fn sweep(&self, now: Timestamp) {
        self.state.lock().drop_expired(now);
    }

    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        self.state.lock().bytes
    }
}

impl State {
    fn remove(&mut self, name: &(SessionId, MessagePart)) -> bool {
        let Some(entry) = self.entries.remove(name) else { return false };
        self.by_age.remove(&entry.turn);
        self.bytes = self.bytes.saturating_sub(size_of(name, &entry.body));
        true
    }

    fn drop_oldest(&mut self) -> bool {
        let oldest = self.by_age.first_key_value().map(|(_, name)| name.clone());
        oldest.is_some_and(|name| self.remove(&name))
    }

    fn drop_expired(&mut self, now: Timestamp) {
        let is_over = |state: &Self| {
            let oldest = state.by_age.first_key_value().and_then(|(_, name)| state.entries.get(name));
            oldest.is_some_and(|entry| entry.expires <= now)
        };
        while is_over(self) && self.drop_oldest() {}
    }
}

fn size_of((session, _): &(SessionId, MessagePart), body: &Bytes) -> usize {
    // The id's text is shared with the rest of the process, but may outlive all others here.
    body.len() + session.as_str().len() + ENTRY_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_types::KeyId;

    const TTL: Duration = Duration::from_secs(300);

    fn session(name: &str) -> SessionId {
        SessionId::new(KeyId(1), name)
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + seconds).unwrap()
    }

    #[test]
    fn the_last_request_and_answer_are_kept_until_the_session_is_over() {
        let shelf = MessageShelf::new(TTL);
        shelf.keep(&session("a"), MessagePart::Request, "one".into(), at(0));
        shelf.keep(&session("a"), MessagePart::Request, "two".into(), at(10));
        shelf.keep(&session("a"), MessagePart::Response, "yes".into(), at(20));
        shelf.keep(&session("b"), MessagePart::Response, "no".into(), at(20));
        let found = shelf.read(&session("a"), at(309));
        assert_eq!((found.request, found.response), (Some("two".into()), Some("yes".into())));
        assert_eq!(shelf.read(&session("a"), at(310)).request, None);
        assert!(shelf.remove(&session("a")) && !shelf.remove(&session("a")));
        assert_eq!(shelf.read(&session("a"), at(30)), StoredMessages::default());
        assert_eq!(shelf.read(&session("b"), at(30)).response, Some("no".into()));
    }

    #[test]
    fn expired_bodies_leave_without_anybody_asking() {
        let shelf = MessageShelf::new(TTL);
        for n in 0..10 {
            shelf.keep(&session(&n.to_string()), MessagePart::Request, "body".into(), at(n));
        }
        shelf.sweep(at(304));
        assert_eq!(shelf.read(&session("5"), at(0)).request, Some("body".into()));
        assert_eq!(shelf.read(&session("4"), at(0)).request, None);
        shelf.sweep(at(310));
        assert_eq!(shelf.bytes(), 0);
        let state = shelf.state.lock();
        assert!(state.entries.is_empty() && state.by_age.is_empty());
    }

    #[test]
    fn the_oldest_make_room() {
        let room = 3 * (100 + "k1.a".len() + ENTRY_BYTES);
        let shelf = MessageShelf::with_room(TTL, room);
        let body = Bytes::from(vec![b'x'; 100]);
        for name in ["a", "b", "c", "a", "d"] {
            shelf.keep(&session(name), MessagePart::Request, body.clone(), at(0));
        }
        let is_kept = |name| shelf.read(&session(name), at(1)).request.is_some();
        assert_eq!(["a", "b", "c", "d"].map(is_kept), [true, false, true, true]);
        assert_eq!(shelf.bytes(), room);
        shelf.keep(&session("e"), MessagePart::Request, vec![0; room].into(), at(0));
        assert_eq!(["a", "b", "c", "d", "e"].map(is_kept), [true, false, true, true, false]);
    }
}
