//! Removing many keys, and many sessions from sets, in few commands.

use std::collections::HashMap;

use hub_redis::{Batch, RedisReply};
use smallvec::SmallVec;

use hub_types::{ProviderId, SessionId, UserId};

use super::keys;

/// The most names in one command: a command is one uninterrupted step of the server.
const MOST: usize = 500;

/// What is to be removed.
pub(super) struct Removal {
    /// In a cluster, one command names one key.
    at_once: usize,
    keys: Vec<String>,
    places: HashMap<String, Vec<String>>,
}

impl Removal {
    /// The fields of a session's info that tell where it counts.
    pub(super) const QUESTION: [&str; 3] = ["user", "provider", "slot"];

    pub(super) fn new(is_cluster: bool) -> Self {
        Self { at_once: if is_cluster { 1 } else { MOST }, keys: Vec::new(), places: HashMap::new() }
    }

    pub(super) fn key(&mut self, key: String) {
        self.keys.push(key);
    }

    /// Everything of a session but its binding. `info`: the answer to [`Removal::QUESTION`].
    pub(super) fn session(&mut self, session: &str, info: &RedisReply, bound: Option<ProviderId>) {
        self.keys.extend(keys::BELONGINGS.iter().map(|what| keys::of(session, what)));
        let number = |at: usize| info.list().get(at).and_then(RedisReply::int);
        let mut leave = |roster: String| {
            self.places.entry(roster).or_default().push(session.to_owned());
        };
        leave(keys::ACTIVE.to_owned());
        if let Ok(session) = SessionId::parse(session) {
            leave(keys::at_key(session.key()));
        }
        if let Some(user) = number(0) {
            leave(keys::at_user(UserId(user)));
        }
        let mut providers: SmallVec<[ProviderId; 3]> = bound.into_iter().collect();
        providers.extend([number(1), number(2)].into_iter().flatten().map(ProviderId));
        providers.sort_unstable();
        providers.dedup();
        for provider in providers {
            leave(keys::at_provider(provider));
        }
    }

    /// The commands.
    pub(super) fn batch(&self) -> Batch {
        let mut batch = Batch::new();
        for (roster, sessions) in &self.places {
            for some in sessions.chunks(MOST) {
                batch.command_with("ZREM", roster, some.iter().map(|session| session.as_str().into()));
            }
        }
        for some in self.keys.chunks(self.at_once) {
            if let [first, others @ ..] = some {
                batch.command_with("UNLINK", first, others.iter().map(|key| key.as_str().into()));
            }
        }
        batch
    }
}
