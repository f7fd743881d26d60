//! The session pool: sessions of trusted keys, one of which is lent to requests that name no session.
//!
//! A request that borrows follows the lent session's binding, and so reaches the provider whose cache is warm
//! for it. The pool's members are collected from requests of keys marked for it; [`SessionPool`] is what the
//! gateway and the management call, [`PoolStore`] where the pool is kept: [`MemoryPool`] in this process,
//! [`RedisPool`] for several instances. When to move on to another member is said in [`PoolRules`] and nowhere
//! else.

mod collecting;
mod lending;
mod memory;
#[cfg(feature = "redis")]
mod redis;
mod rules;
mod state;
mod upkeep;

use async_trait::async_trait;
use jiff::Timestamp;

use hub_types::SessionId;

use crate::StoreUnavailable;

pub use lending::{PoolError, PoolStats, SessionPool, Switched};
pub use memory::MemoryPool;
#[cfg(feature = "redis")]
pub use redis::RedisPool;
pub use rules::PoolRules;
pub use state::{Collected, PoolState};

/// Where a pool is kept. Times are kept to the millisecond.
#[async_trait]
pub trait PoolStore: Send + Sync + 'static {
    /// Takes a session in, unless the pool holds `max` already: that bound is exact however many collect at
    /// once. The first one becomes the current one.
    async fn collect(&self, session: &SessionId, max: usize) -> Result<Collected, StoreUnavailable>;

    /// Everything there is to know.
    async fn state(&self) -> Result<PoolState, StoreUnavailable>;

    /// Makes a session the current one, whatever was before, and notes the time as that of the last switch.
    async fn set_current(&self, session: &SessionId, now: Timestamp) -> Result<(), StoreUnavailable>;

    /// The same if the last switch is still the one that was `seen`: of several instances that switch at once
    /// one does. Was it this one?
    async fn switch(
        &self,
        to: &SessionId,
        seen: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool, StoreUnavailable>;

    /// Forgets all members but the current one; how many went.
    async fn clear(&self) -> Result<usize, StoreUnavailable>;
}
