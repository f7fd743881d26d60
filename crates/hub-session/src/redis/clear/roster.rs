//! Clearing by the providers' sets of sessions: quicker than going through all keys, and what they don't tell is
//! found by that later.

use hub_redis::{Batch, RedisReply};

use hub_types::ProviderId;

use super::super::RedisSessionStore;
use super::super::answers::Result;
use super::super::keys;
use super::super::scripts::CLEAR;
use super::names::Names;
use super::pages::Progress;

/// So many sessions are looked at in one step.
const LOOKED_AT: i64 = 500;
/// So many are removed in one step of the server, of a few milliseconds.
const REMOVED: i64 = 200;

impl RedisSessionStore {
    /// Adds the sessions that are bound to the provider, as far as its set tells.
    pub(super) async fn read_roster(
        &self,
        provider: ProviderId,
        names: &mut Names,
        progress: &mut Progress<'_>,
    ) -> Result<()> {
        let roster = keys::at_provider(provider);
        let (mut rank, mut page): (i64, Vec<String>) = (0, Vec::new());
        loop {
            // The bindings of one page and the next page travel together.
            let bindings: Vec<String> = page.iter().map(|session| keys::binding(session)).collect();
            let mut batch = Batch::new();
            batch.command("ZRANGE", &roster, [rank.into(), (rank + LOOKED_AT - 1).into()]);
            if let [first, others @ ..] = bindings.as_slice() {
                batch.command_with("MGET", first, others.iter().map(|key| key.as_str().into()));
            }
            let mut answers = self.ask_patiently(batch).await?;
            let next = answers.next()?;
            if !page.is_empty() {
                let bound = answers.next()?;
                for (session, value) in page.iter().zip(bound.list()) {
                    if value.int() == Some(provider.0) {
                        names.add(session);
                    }
                }
                progress.add(page.len());
            }
            page = next.list().iter().filter_map(RedisReply::text).map(str::to_owned).collect();
            if page.is_empty() {
                return Ok(());
            }
            rank += LOOKED_AT;
        }
    }

    /// Removes everything of the sessions that are bound to the provider, as far as its set tells, and notes
    /// them. `removed` is told how many each step removed.
    pub(super) async fn empty_roster(
        &self,
        provider: ProviderId,
        names: &mut Names,
        progress: &mut Progress<'_>,
        mut removed: impl FnMut(u64),
    ) -> Result<()> {
        let roster = keys::at_provider(provider);
        let mut rank = 0;
        loop {
            let head = [provider.0.into(), i64::into(rank), REMOVED.into()];
            let belongings = keys::BELONGINGS.iter().map(|&what| what.into());
            let mut batch = Batch::new();
            batch.script_with(&CLEAR, &[&roster], head.into_iter().chain(belongings));
            let answer = self.ask_patiently(batch).await?.next()?;
            let [looked_at, gone @ ..] = answer.list() else { return Ok(()) };
            let looked_at = looked_at.int().unwrap_or(0);
            if looked_at == 0 {
                return Ok(());
            }
            for session in gone.iter().filter_map(RedisReply::text) {
                names.add(session);
            }
            removed(gone.len() as u64);
            progress.add(usize::try_from(looked_at).unwrap_or(0));
            // Those that are gone have made room for the next ones.
            rank += looked_at - i64::try_from(gone.len()).unwrap_or(looked_at);
        }
    }
}
