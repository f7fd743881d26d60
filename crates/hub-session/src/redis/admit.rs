//! Letting a session in, counting it at a provider, recognising its conversation: what a request waits for,
//! each in one round trip (in a cluster, the admission in up to three).

use std::num::NonZeroU32;

use hub_redis::{Batch, RedisReply};
use jiff::Timestamp;
use smallvec::SmallVec;

use hub_types::{KeyId, ProviderId, SessionId};

use super::RedisSessionStore;
use super::answers::{Answers, Result, instant};
use super::keys;
use super::scripts::{ADMIT, SLOT};
use super::write::{Arrival, Write};
use crate::{Admission, ConversationHash, Known, Present, Refused, Scope, StoreUnavailable, Visit};

/// A set of active sessions with a limit.
struct Place {
    scope: Scope,
    roster: String,
    limit: NonZeroU32,
}

/// What the script said.
enum Verdict {
    /// The number of the request, and whether the session is new at a place.
    In { number: i64, is_new: bool },
    /// One session too many.
    Out(Refused),
}

impl RedisSessionStore {
    pub(super) async fn admit(&self, visit: &Visit<'_>, now: Timestamp) -> Result<Admission> {
        let mut places: SmallVec<[Place; 2]> = SmallVec::new();
        if let Some(limit) = visit.key_limit {
            places.push(Place { scope: Scope::Key, roster: keys::at_key(visit.key), limit });
        }
        if let Some(limit) = visit.user_limit {
            places.push(Place { scope: Scope::User, roster: keys::at_user(visit.user), limit });
        }
        if self.connection.is_cluster() {
            if let Some(refused) = self.admit_one_by_one(visit.session, &places, now).await? {
                return Ok(Admission::Refused(refused));
            }
            places.clear();
        }
        let mut batch = Batch::new();
        self.put_admission(&mut batch, visit.session, &places, true, now);
        let routing = visit.routing.as_str();
        batch.command("GET", &keys::binding(routing), []);
        batch.command("GET", &keys::of(routing, "last_seen"), []);
        let pending = self.writer.pending().binding_of(visit.routing);
        let mut answers = self.ask(batch).await?;
        let number = match self.verdict(&answers.next()?, &places)? {
            Verdict::Out(refused) => return Ok(Admission::Refused(refused)),
            Verdict::In { number, .. } => number,
        };
        let bound = answers.next()?.int().map(ProviderId);
        let present = Present {
            sequence: u64::try_from(number).unwrap_or(0),
            bound: pending.map_or(bound, |becomes| becomes.after(bound)),
            last_seen: answers.next()?.int().and_then(instant),
        };
        self.writer.offer(Write::Arrival(Box::new(Arrival::of(visit, now))));
        Ok(Admission::Admitted(present))
    }

    /// In a cluster the sets are at different servers: first the key's, then the user's; if that one is full,
    /// the key's place is given back.
    async fn admit_one_by_one(
        &self,
        session: &SessionId,
        places: &[Place],
        now: Timestamp,
    ) -> Result<Option<Refused>> {
        let mut taken: SmallVec<[&Place; 2]> = SmallVec::new();
        for place in places {
            let mut batch = Batch::new();
            let place = std::slice::from_ref(place);
            self.put_admission(&mut batch, session, place, false, now);
            match self.verdict(&self.ask(batch).await?.next()?, place)? {
                Verdict::In { is_new, .. } => taken.extend(place.iter().filter(|_| is_new)),
                Verdict::Out(refused) => {
                    let mut batch = Batch::new();
                    for place in &taken {
                        batch.command("ZREM", &place.roster, [session.as_str().into()]);
                    }
                    if !batch.is_empty() {
                        self.ask(batch).await?;
                    }
                    return Ok(Some(refused));
                }
            }
        }
        Ok(None)
    }

    fn put_admission(
        &self,
        batch: &mut Batch,
        session: &SessionId,
        places: &[Place],
        is_counted: bool,
        now: Timestamp,
    ) {
        let sequence = keys::of(session.as_str(), "seq");
        let rosters = places.iter().map(|place| place.roster.as_str());
        let names: SmallVec<[&str; 3]> = rosters.chain(is_counted.then_some(sequence.as_str())).collect();
        let limit = |at: usize| i64::from(places.get(at).map_or(0, |place| place.limit.get())).into();
        let arguments = [
            session.as_str().into(),
            now.as_millisecond().into(),
            self.life.cutoff(now).into(),
            self.life.roster_seconds.into(),
            keys::SEQUENCE_SECONDS.into(),
            i64::try_from(places.len()).unwrap_or(0).into(),
            limit(0),
            limit(1),
        ];
        batch.script(&ADMIT, &names, arguments);
    }

    fn verdict(&self, answer: &RedisReply, places: &[Place]) -> Result<Verdict> {
        let strange = || StoreUnavailable(format!("Redis answered an admission with {answer:?}"));
        let number = |at: usize| answer.list().get(at).and_then(RedisReply::int).ok_or_else(strange);
        let full = number(0)?;
        if full == 0 {
            return Ok(Verdict::In { number: number(1)?, is_new: number(2)? == 1 });
        }
        let place = usize::try_from(full - 1).ok().and_then(|at| places.get(at)).ok_or_else(strange)?;
        let free_at = instant(number(2)?.saturating_add(self.life.session)).ok_or_else(strange)?;
        let current = u32::try_from(number(1)?).unwrap_or(u32::MAX);
        Ok(Verdict::Out(Refused { scope: place.scope, current, limit: place.limit.get(), free_at }))
    }

    pub(super) async fn count_at_provider(
        &self,
        session: &SessionId,
        provider: ProviderId,
        limit: Option<NonZeroU32>,
        now: Timestamp,
    ) -> Result<bool> {
        let Some(limit) = limit else {
            self.writer.offer(Write::Counted { session: session.clone(), provider, at: Some(now) });
            return Ok(true);
        };
        let mut batch = Batch::new();
        let arguments = [
            session.as_str().into(),
            now.as_millisecond().into(),
            self.life.cutoff(now).into(),
            self.life.keep_from(now).into(),
            i64::from(limit.get()).into(),
            self.life.roster_seconds.into(),
        ];
        batch.script(&SLOT, &[&keys::at_provider(provider)], arguments);
        let is_counted = self.ask(batch).await?.next()?.int() == Some(1);
        if is_counted {
            self.writer.offer(Write::Counted { session: session.clone(), provider, at: None });
        }
        Ok(is_counted)
    }

    pub(super) async fn recognise(&self, key: KeyId, hashes: &[ConversationHash]) -> Result<Option<Known>> {
        let mut batch = Batch::new();
        for &hash in hashes.iter().rev() {
            let entry = keys::conversation(key, hash);
            batch.command("GET", &entry, []).command("PTTL", &entry, []);
        }
        if batch.is_empty() {
            return Ok(None);
        }
        let mut pending = self.writer.pending().sessions_at(key, hashes);
        let mut answers = self.ask(batch).await?;
        for (depth, &hash) in hashes.iter().enumerate().rev() {
            let (named, left) = (answers.next()?, answers.next()?.int());
            if let Some(session) = pending.pop().flatten() {
                return Ok(Some(Known { depth, session }));
            }
            let session = named.text().and_then(|text| SessionId::parse(text).ok());
            // An entry of another key's session would be somebody's forgery, or damage.
            let Some(session) = session.filter(|session| session.key() == key) else { continue };
            if left.is_some_and(|left| left < self.life.renewal) {
                self.writer.offer(Write::Renewed { key, hash });
            }
            return Ok(Some(Known { depth, session }));
        }
        Ok(None)
    }
}

impl RedisSessionStore {
    async fn ask(&self, batch: Batch) -> Result<Answers> {
        Answers::of(self.connection.run(batch).await)
    }
}
