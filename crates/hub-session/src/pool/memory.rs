//! The pool in this process: the whole of it for one instance, the local copy of a shared one for several.

use async_trait::async_trait;
use jiff::Timestamp;
use parking_lot::RwLock;

use hub_types::SessionId;

use super::{Collected, PoolState, PoolStore};
use crate::StoreUnavailable;

/// A pool that ends with the process.
#[derive(Debug, Default)]
pub struct MemoryPool(RwLock<PoolState>);

impl MemoryPool {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&PoolState) -> T) -> T {
        look(&self.0.read())
    }

    pub(crate) fn write<T>(&self, change: impl FnOnce(&mut PoolState) -> T) -> T {
        change(&mut self.0.write())
    }
}

#[async_trait]
impl PoolStore for MemoryPool {
    async fn collect(&self, session: &SessionId, max: usize) -> Result<Collected, StoreUnavailable> {
        Ok(self.write(|pool| pool.collect(session, max)))
    }

    async fn state(&self) -> Result<PoolState, StoreUnavailable> {
        Ok(self.read(Clone::clone))
    }

    async fn set_current(&self, session: &SessionId, now: Timestamp) -> Result<(), StoreUnavailable> {
        self.write(|pool| pool.set_current(session, now));
        Ok(())
    }

    async fn switch(
        &self,
        to: &SessionId,
        seen: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool, StoreUnavailable> {
        Ok(self.write(|pool| pool.switch(to, seen, now)))
    }

    async fn clear(&self) -> Result<usize, StoreUnavailable> {
        Ok(self.write(PoolState::clear))
    }
}
