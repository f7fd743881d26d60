//! Taking sessions into the pool.

use hub_types::SessionId;

use super::upkeep::Job;
use super::{Collected, SessionPool};

impl SessionPool {
    /// A request of a key that is marked for collecting named this session. Waits for nobody: what the pool
    /// knows already, and what finds it full, costs a look-up. Collecting goes on whether or not the pool is in
    /// use.
    pub fn collect(&self, key_name: &str, session: &SessionId) {
        let max = self.rules.max_size;
        let is_settled = |size: usize, is_known: bool| is_known || size >= max;
        if self.local.read(|pool| is_settled(pool.members.len(), pool.members.contains(session))) {
            return;
        }
        match &self.shared {
            Some(shared) => shared.queue_collect(session, || Job::Collect {
                key_name: key_name.to_owned(),
                session: session.clone(),
            }),
            None => note(key_name, session, self.local.write(|pool| pool.collect(session, max))),
        }
    }
}

/// Says so in the log if the session is new. Operators' tools look for these very lines.
pub(super) fn note(key_name: &str, session: &SessionId, collected: Collected) {
    if collected.is_new {
        tracing::info!(target: "SessionPool", "Collected session from whitelist API Key: {key_name}");
        let size = collected.size;
        tracing::info!(target: "SessionPool", "Added new session to pool: {session} (pool size: {size})");
    }
}
