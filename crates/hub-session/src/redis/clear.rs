//! Forgetting sessions: one, the bindings to a provider, or all that are bound to some providers.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::pin::pin;

use futures_util::StreamExt;
use hub_redis::{Batch, RedisReply};

use hub_types::{ProviderId, SessionId};

use super::RedisSessionStore;
use super::answers::{Result, unavailable};
use super::keys;
use super::removal::Removal;
use super::scripts::UNBIND;
use crate::{ClearError, Cleared, Observed, StoreUnavailable};

/// Keys are looked at in batches of about so many.
const PAGE: u32 = 500;

/// Names of sessions as their hashes: a million of them take 8 MB, and none needs to be read again.
#[derive(Default)]
struct Names {
    hasher: RandomState,
    hashes: Vec<u64>,
}

impl Names {
    fn add(&mut self, name: &str) {
        self.hashes.push(self.hasher.hash_one(name));
    }

    /// A scan may tell a key more than once.
    fn settle(&mut self) {
        self.hashes.sort_unstable();
        self.hashes.dedup();
    }

    fn contains(&self, name: &str) -> bool {
        self.hashes.binary_search(&self.hasher.hash_one(name)).is_ok()
    }
}

impl RedisSessionStore {
    pub(super) async fn survey_bindings(
        &self,
        providers: &HashSet<ProviderId>,
        observed: Observed<'_>,
    ) -> Result<HashMap<ProviderId, u64>> {
        self.flush().await?;
        let mut names: HashMap<ProviderId, Names> = HashMap::new();
        let mut seen = 0;
        let mut pages = pin!(self.connection.scan(keys::BINDINGS, PAGE));
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| unavailable(&error))?;
            for (session, provider) in self.bound_to(&page, providers).await? {
                names.entry(provider).or_default().add(session);
            }
            seen += page.len() as u64;
            observed(seen);
        }
        let count = |mut names: Names| {
            names.settle();
            names.hashes.len() as u64
        };
        Ok(names.into_iter().map(|(provider, names)| (provider, count(names))).collect())
    }

    pub(super) async fn clear_all(
        &self,
        providers: &HashSet<ProviderId>,
        observed: Observed<'_>,
    ) -> std::result::Result<Cleared, ClearError> {
        let mut done = Cleared::default();
        match self.clear_in_order(providers, observed, &mut done).await {
            Ok(()) => Ok(done),
            Err(reason) => Err(ClearError { done, reason }),
        }
    }

    /// The bindings go last: as long as one is there, doing it all again finds what else there is.
    async fn clear_in_order(
        &self,
        providers: &HashSet<ProviderId>,
        observed: Observed<'_>,
        done: &mut Cleared,
    ) -> Result<()> {
        self.flush().await?;
        let (mut names, mut seen) = (Names::default(), 0);
        let mut pages = pin!(self.connection.scan(keys::BINDINGS, PAGE));
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| unavailable(&error))?;
            for (session, _) in self.bound_to(&page, providers).await? {
                names.add(session);
            }
            seen += page.len() as u64;
            observed(seen);
        }
        names.settle();
        if names.hashes.is_empty() {
            return Ok(());
        }
        let mut pages = pin!(self.connection.scan(keys::CONVERSATIONS, PAGE));
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| unavailable(&error))?;
            done.conversations += self.remove_conversations(&page, &names).await?;
            seen += page.len() as u64;
            observed(seen);
        }
        let mut pages = pin!(self.connection.scan(keys::BINDINGS, PAGE));
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| unavailable(&error))?;
            let bound = self.bound_to(&page, providers).await?;
            for provider in self.remove_sessions(&bound).await? {
                *done.sessions.entry(provider).or_default() += 1;
            }
            seen += page.len() as u64;
            observed(seen);
        }
        Ok(())
    }

    /// Those of these bindings that lead to one of the providers, with their sessions.
    async fn bound_to<'a>(
        &self,
        bindings: &'a [String],
        providers: &HashSet<ProviderId>,
    ) -> Result<Vec<(&'a str, ProviderId)>> {
        let values = self.values(bindings).await?;
        let bound = bindings.iter().zip(values).filter_map(|(key, value)| {
            let provider = ProviderId(value.int()?);
            Some((keys::bound_session(key)?, provider)).filter(|_| providers.contains(&provider))
        });
        Ok(bound.collect())
    }

    async fn remove_conversations(&self, entries: &[String], names: &Names) -> Result<u64> {
        let values = self.values(entries).await?;
        let leads_there = |value: &RedisReply| value.text().is_some_and(|name| names.contains(name));
        let gone = entries.iter().zip(&values).filter(|(_, value)| leads_there(value));
        let mut removal = Removal::new(self.connection.is_cluster());
        gone.for_each(|(entry, _)| removal.key(entry.clone()));
        self.remove(removal).await
    }

    /// Removes everything of these sessions; the providers of those whose binding was there to the end.
    async fn remove_sessions(&self, bound: &[(&str, ProviderId)]) -> Result<Vec<ProviderId>> {
        if bound.is_empty() {
            return Ok(Vec::new());
        }
        let mut batch = Batch::new();
        for (session, _) in bound {
            batch.command("HMGET", &keys::of(session, "info"), Removal::QUESTION.map(Into::into));
        }
        let infos = self.ask_patiently(batch).await?.rest()?;
        let mut removal = Removal::new(self.connection.is_cluster());
        for ((session, provider), info) in bound.iter().zip(&infos) {
            removal.session(session, info, Some(*provider));
        }
        self.remove(removal).await?;
        // In a batch of their own, as a cluster keeps no order among several keys.
        let mut batch = Batch::new();
        for (session, provider) in bound {
            batch.script(&UNBIND, &[&keys::binding(session)], [provider.0.into()]);
        }
        let gone = self.ask_patiently(batch).await?.rest()?;
        let gone = bound.iter().zip(gone).filter(|(_, count)| count.int() == Some(1));
        Ok(gone.map(|((_, provider), _)| *provider).collect())
    }

    /// How many keys and places there were.
    async fn remove(&self, removal: Removal) -> Result<u64> {
        let batch = removal.batch();
        if batch.is_empty() {
            return Ok(0);
        }
        let counts = self.ask_patiently(batch).await?.rest()?;
        Ok(counts.iter().filter_map(|count| u64::try_from(count.int()?).ok()).sum())
    }

    /// The values of these keys; what is no string is nothing.
    async fn values(&self, keys: &[String]) -> Result<Vec<RedisReply>> {
        let Some((first, others)) = keys.split_first() else { return Ok(Vec::new()) };
        let mut batch = Batch::new();
        if self.connection.is_cluster() {
            for key in keys {
                batch.command("GET", key, []);
            }
            return self.ask_patiently(batch).await?.rest();
        }
        batch.command_with("MGET", first, others.iter().map(|key| key.as_str().into()));
        match self.ask_patiently(batch).await?.next()? {
            RedisReply::List(values) if values.len() == keys.len() => Ok(values),
            _ => Err(StoreUnavailable("Redis gave too few answers".to_owned())),
        }
    }

    pub(super) async fn end_one(&self, session: &SessionId) -> Result<bool> {
        self.flush().await?;
        self.writer.losses().forget(session);
        let sid = session.as_str();
        let binding = keys::binding(sid);
        let mut batch = Batch::new();
        batch.command("HMGET", &keys::of(sid, "info"), Removal::QUESTION.map(Into::into));
        batch.command("GET", &binding, []);
        let mut answers = self.ask_patiently(batch).await?;
        let (info, bound) = (answers.next()?, answers.next()?.int().map(ProviderId));
        let mut removal = Removal::new(self.connection.is_cluster());
        removal.session(sid, &info, bound);
        let belongings = self.remove(removal).await?;
        let mut batch = Batch::new();
        batch.command("UNLINK", &binding, []);
        let bindings = self.ask_patiently(batch).await?.next()?.int().unwrap_or(0);
        Ok(belongings > 0 || bindings > 0)
    }

    /// By the provider's set of sessions: everything that is bound to it is in there, or has been silent for
    /// so long that its binding is gone.
    pub(super) async fn unbind_all(&self, provider: ProviderId) -> Result<u64> {
        self.flush().await?;
        let (roster, mut cursor, mut dropped) = (keys::at_provider(provider), "0".to_owned(), 0);
        loop {
            let mut batch = Batch::new();
            // By cursor, not by rank: ranks move while sessions are seen, and one would be passed over.
            let page = [cursor.as_str().into(), "COUNT".into(), i64::from(PAGE).into()];
            batch.command("ZSCAN", &roster, page);
            let answer = self.ask_patiently(batch).await?.next()?;
            let [next, members] = answer.list() else { return Ok(dropped) };
            let mut batch = Batch::new();
            for session in members.list().iter().step_by(2).filter_map(RedisReply::text) {
                batch.script(&UNBIND, &[&keys::binding(session)], [provider.0.into()]);
            }
            if !batch.is_empty() {
                let counts = self.ask_patiently(batch).await?.rest()?;
                dropped += counts.iter().filter(|count| count.int() == Some(1)).count() as u64;
            }
            match next.text() {
                Some(next) if next != "0" => next.clone_into(&mut cursor),
                _ => return Ok(dropped),
            }
        }
    }
}
