//! The contract, held in Redis alone and with memory beside it.

use std::sync::Arc;

use hub_session::{FallbackSessionStore, Limits, MemorySessionStore, RedisSessionStore, SessionStore};

use super::connect;
use crate::contract::{Subject, at};
use hub_testkit::RedisDatabase;

struct InRedis {
    store: Arc<RedisSessionStore>,
    _database: RedisDatabase,
}

struct InBoth {
    store: Arc<FallbackSessionStore<MemorySessionStore>>,
    _database: RedisDatabase,
}

impl Subject for InRedis {
    async fn fresh(limits: Limits) -> Self {
        let database = RedisDatabase::take().await.unwrap();
        let store = RedisSessionStore::new(connect(database.url()).await, limits);
        Self { store: Arc::new(store), _database: database }
    }

    fn store(&self) -> Arc<dyn SessionStore> {
        Arc::clone(&self.store) as _
    }

    async fn settle(&self) {
        self.store.sweep(at(0)).await;
        assert!(self.store.lost_writes() == 0);
    }

    fn can_jump(&self) -> bool {
        false
    }

    fn crowd(&self) -> u64 {
        30
    }
}

impl Subject for InBoth {
    async fn fresh(limits: Limits) -> Self {
        let database = RedisDatabase::take().await.unwrap();
        let shared = RedisSessionStore::new(connect(database.url()).await, limits);
        let store = FallbackSessionStore::new(shared, MemorySessionStore::new(limits));
        Self { store: Arc::new(store), _database: database }
    }

    fn store(&self) -> Arc<dyn SessionStore> {
        Arc::clone(&self.store) as _
    }

    async fn settle(&self) {
        self.store.shared().sweep(at(0)).await;
        assert!(self.store.shared().lost_writes() == 0);
    }

    fn can_jump(&self) -> bool {
        false
    }

    fn crowd(&self) -> u64 {
        30
    }
}

mod in_redis {
    use super::InRedis;
    use crate::contract::contract;
    contract!(InRedis);
}

mod in_both {
    use super::InBoth;
    use crate::contract::contract;
    contract!(InBoth);
}
