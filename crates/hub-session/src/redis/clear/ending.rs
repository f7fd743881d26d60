//! Forgetting one session, and the bindings to a provider.

use hub_redis::{Batch, RedisReply};

use hub_types::{ProviderId, SessionId};

use super::super::RedisSessionStore;
use super::super::answers::Result;
use super::super::keys;
use super::super::removal::Removal;
use super::super::scripts::UNBIND;

/// So many members of a set are looked at in one step.
const PAGE: i64 = 500;

impl RedisSessionStore {
    pub(in super::super) async fn end_one(&self, session: &SessionId) -> Result<bool> {
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
    pub(in super::super) async fn unbind_all(&self, provider: ProviderId) -> Result<u64> {
        self.flush().await?;
        let (roster, mut cursor, mut dropped) = (keys::at_provider(provider), "0".to_owned(), 0);
        loop {
            let mut batch = Batch::new();
            // By cursor, not by rank: ranks move while sessions are seen, and one would be passed over.
            let page = [cursor.as_str().into(), "COUNT".into(), PAGE.into()];
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
