//! The contract, held by the store in memory.

use std::sync::Arc;

use hub_session::{Limits, MemorySessionStore, SessionStore};

use crate::contract::{Subject, contract};

struct InMemory(Arc<MemorySessionStore>);

impl Subject for InMemory {
    async fn fresh(limits: Limits) -> Self {
        Self(Arc::new(MemorySessionStore::new(limits)))
    }

    fn store(&self) -> Arc<dyn SessionStore> {
        Arc::clone(&self.0) as _
    }

    async fn settle(&self) {}

    fn can_jump(&self) -> bool {
        true
    }

    fn crowd(&self) -> u64 {
        1000
    }
}

contract!(InMemory);
