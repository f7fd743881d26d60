//! The pool as its users see it: lending the current session, and what operators do with it.

use std::sync::Arc;

use jiff::Timestamp;
use thiserror::Error;

use hub_types::SessionId;

use super::rules::halves;
use super::upkeep::{Job, Shared};
use super::{MemoryPool, PoolRules, PoolState, PoolStore};
use crate::StoreUnavailable;

/// A session pool. On the request path it reads its own copy and waits for nobody; what is to be told to a
/// shared store goes through a bounded queue that [`SessionPool::run`] empties.
pub struct SessionPool {
    pub(super) rules: PoolRules,
    pub(super) local: MemoryPool,
    pub(super) shared: Option<Shared>,
}

/// A pool to look at.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolStats {
    /// Its members and the current one.
    pub state: PoolState,
    /// How it is used.
    pub rules: PoolRules,
}

/// The pool moved on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switched {
    /// The current session before.
    pub previous: Option<SessionId>,
    /// The current session now.
    pub current: SessionId,
}

/// What an operator asked for can't be done.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PoolError {
    /// There are not two members to switch between.
    #[error("the pool holds too few sessions to switch between: {size}")]
    TooFew {
        /// How many there are.
        size: usize,
    },
    /// The session is not in the pool.
    #[error("the session is not in the pool")]
    NotAMember,
    /// The shared store does not answer. Requests go on with what this instance knows.
    #[error(transparent)]
    Unavailable(#[from] StoreUnavailable),
}

impl SessionPool {
    /// A pool for one instance; it needs no upkeep.
    pub fn in_process(rules: PoolRules) -> Self {
        Self { rules, local: MemoryPool::new(), shared: None }
    }

    /// A pool that instances share. It lives by [`SessionPool::run`].
    pub fn shared(store: Arc<dyn PoolStore>, rules: PoolRules) -> Self {
        Self { rules, local: MemoryPool::new(), shared: Some(Shared::new(store)) }
    }

    /// How it is used.
    pub const fn rules(&self) -> &PoolRules {
        &self.rules
    }

    /// The session whose binding a request without any session id of its own follows; `None`: the pool is off
    /// or empty. `chance` is 64 random bits: they decide whether the pool moves on, and to whom. A shared pool
    /// goes on lending the session it had until the store has agreed to the move.
    pub fn borrow(&self, chance: u64, now: Timestamp) -> Option<SessionId> {
        if !self.rules.enabled {
            return None;
        }
        let look = |pool: &PoolState| {
            let next = self.rules.next(pool, chance, now).cloned();
            (pool.current.clone(), next, pool.last_switch)
        };
        let (current, next, seen) = self.local.read(look);
        let Some(to) = next else { return current };
        match &self.shared {
            Some(shared) => {
                shared.queue_switch(Job::Switch { to, seen, now });
                current
            }
            None => self.local.write(|pool| {
                if pool.switch(&to, seen, now) {
                    note_switch(current.as_ref(), &to);
                }
                pool.current.clone()
            }),
        }
    }

    /// The pool as it is now; of a shared one whose store does not answer, what this instance knows.
    pub async fn stats(&self) -> PoolStats {
        // The copy will do.
        let _ = self.refresh().await;
        PoolStats { state: self.local.read(Clone::clone), rules: self.rules }
    }

    /// Moves on to another member, drawn by `chance`, whatever the rules say about times and sizes.
    pub async fn switch(&self, chance: u64, now: Timestamp) -> Result<Switched, PoolError> {
        self.refresh().await?;
        let draw = |pool: &PoolState| {
            let size = pool.members.len();
            let next = pool.another(halves(chance)[1]).filter(|_| size > 1);
            next.cloned().map(|next| (pool.current.clone(), next)).ok_or(PoolError::TooFew { size })
        };
        let (previous, current) = self.local.read(draw)?;
        self.make_current(&current, now).await?;
        note_switch(previous.as_ref(), &current);
        Ok(Switched { previous, current })
    }

    /// Makes a member the current session.
    pub async fn set_current(&self, session: &SessionId, now: Timestamp) -> Result<Switched, PoolError> {
        self.refresh().await?;
        let (is_member, previous) =
            self.local.read(|pool| (pool.members.contains(session), pool.current.clone()));
        if !is_member {
            return Err(PoolError::NotAMember);
        }
        self.make_current(session, now).await?;
        note_switch(previous.as_ref(), session);
        Ok(Switched { previous, current: session.clone() })
    }

    /// Forgets all members but the current one. How many went, and the one that stays.
    pub async fn clear(&self) -> Result<(usize, Option<SessionId>), PoolError> {
        let removed = match &self.shared {
            Some(shared) => {
                self.refresh().await?;
                let removed = shared.store.clear().await?;
                self.refresh().await?;
                removed
            }
            None => self.local.write(PoolState::clear),
        };
        Ok((removed, self.local.read(|pool| pool.current.clone())))
    }

    async fn make_current(&self, session: &SessionId, now: Timestamp) -> Result<(), StoreUnavailable> {
        let _turn = match &self.shared {
            Some(shared) => {
                let turn = shared.turn.lock().await;
                shared.store.set_current(session, now).await?;
                Some(turn)
            }
            None => None,
        };
        self.local.write(|pool| pool.set_current(session, now));
        Ok(())
    }
}

pub(super) fn note_switch(previous: Option<&SessionId>, current: &SessionId) {
    let previous = previous.map_or("none", SessionId::as_str);
    tracing::info!(target: "SessionPool", "Switched the current session: {previous} -> {current}");
}
