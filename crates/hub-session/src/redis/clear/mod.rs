//! Forgetting sessions: one, the bindings to a provider, or all that are bound to some providers.

mod ending;
mod names;
mod pages;
mod roster;

use std::collections::{HashMap, HashSet};

use hub_redis::{Batch, RedisReply};

use hub_types::ProviderId;

use self::names::Names;
use self::pages::{Pages, Progress};
use super::RedisSessionStore;
use super::answers::Result;
use super::keys;
use super::removal::Removal;
use super::scripts::UNBIND;
use crate::{ClearError, Cleared, Observed, StoreUnavailable};

/// The most sessions that are removed together.
const MOST_SESSIONS: usize = 500;

impl RedisSessionStore {
    pub(super) async fn survey_bindings(
        &self,
        providers: &HashSet<ProviderId>,
        observed: Observed<'_>,
    ) -> Result<HashMap<ProviderId, u64>> {
        self.flush().await?;
        let mut names: HashMap<ProviderId, Names> = HashMap::new();
        let mut progress = Progress::new(observed);
        let mut pages = Pages::of(&self.connection, keys::BINDINGS);
        while let Some(page) = pages.next().await? {
            for (session, provider) in pages.meanwhile(self.bound_to(&page, providers)).await? {
                names.entry(provider).or_default().add(session);
            }
            progress.add(page.len());
        }
        let count = |mut names: Names| {
            names.settle();
            names.len() as u64
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
        let mut progress = Progress::new(observed);
        let cleared = if self.connection.is_cluster() {
            Names::default()
        } else {
            self.clear_by_rosters(providers, &mut progress, done).await?
        };
        self.clear_by_keys(providers, &cleared, &mut progress, done).await
    }

    /// What the providers' own sets of sessions tell: nearly always everything. Which sessions were removed.
    async fn clear_by_rosters(
        &self,
        providers: &HashSet<ProviderId>,
        progress: &mut Progress<'_>,
        done: &mut Cleared,
    ) -> Result<Names> {
        let (mut names, mut cleared) = (Names::default(), Names::default());
        for &provider in providers {
            self.read_roster(provider, &mut names, progress).await?;
        }
        names.settle();
        self.clear_conversations(&names, progress, done).await?;
        drop(names);
        for &provider in providers {
            let removed = |count| add(done, provider, count);
            self.empty_roster(provider, &mut cleared, progress, removed).await?;
        }
        cleared.settle();
        Ok(cleared)
    }

    /// What is found by going through all keys, as far as it was not cleared already: whoever comes back
    /// meanwhile is left alone.
    async fn clear_by_keys(
        &self,
        providers: &HashSet<ProviderId>,
        cleared: &Names,
        progress: &mut Progress<'_>,
        done: &mut Cleared,
    ) -> Result<()> {
        let mut names = Names::default();
        let mut pages = Pages::of(&self.connection, keys::BINDINGS);
        while let Some(page) = pages.next().await? {
            let bound = pages.meanwhile(self.bound_to(&page, providers)).await?;
            for (session, _) in bound.into_iter().filter(|(session, _)| !cleared.contains(session)) {
                names.add(session);
            }
            progress.add(page.len());
        }
        names.settle();
        self.clear_conversations(&names, progress, done).await?;
        if names.is_empty() {
            return Ok(());
        }
        let mut pages = Pages::of(&self.connection, keys::BINDINGS);
        while let Some(page) = pages.next().await? {
            let mut bound = pages.meanwhile(self.bound_to(&page, providers)).await?;
            bound.retain(|(session, _)| !cleared.contains(session));
            for some in bound.chunks(MOST_SESSIONS) {
                for provider in self.remove_sessions(some).await? {
                    add(done, provider, 1);
                }
            }
            progress.add(page.len());
        }
        Ok(())
    }

    /// Removes the conversation hashes that lead to these sessions.
    async fn clear_conversations(
        &self,
        names: &Names,
        progress: &mut Progress<'_>,
        done: &mut Cleared,
    ) -> Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        let mut pages = Pages::of(&self.connection, keys::CONVERSATIONS);
        while let Some(page) = pages.next().await? {
            done.conversations += pages.meanwhile(self.remove_conversations(&page, names)).await?;
            progress.add(page.len());
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
}

fn add(done: &mut Cleared, provider: ProviderId, count: u64) {
    if count > 0 {
        *done.sessions.entry(provider).or_default() += count;
    }
}
