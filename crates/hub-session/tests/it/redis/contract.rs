//! The contract, held in Redis alone and with memory beside it.

use std::sync::Arc;

use hub_session::{FallbackSessionStore, Limits, MemorySessionStore, RedisSessionStore, SessionStore};
use hub_testkit::Redis;

use super::connect;
use crate::contract::{Subject, at};

struct InRedis(Redis, Arc<RedisSessionStore>);
struct InBoth(Redis, Arc<FallbackSessionStore<MemorySessionStore>>);

impl Subject for InRedis {
    async fn fresh(limits: Limits) -> Self {
        let redis = Redis::start().await.unwrap();
        let connection = connect(&redis.url()).await;
        Self(redis, Arc::new(RedisSessionStore::new(connection, limits)))
    }

    fn store(&self) -> Arc<dyn SessionStore> {
        Arc::clone(&self.1) as _
    }

    async fn settle(&self) {
        self.1.sweep(at(0)).await;
        assert!(self.0.port() > 0 && self.1.lost_writes() == 0);
    }

    fn can_jump(&self) -> bool {
        false
    }
}

impl Subject for InBoth {
    async fn fresh(limits: Limits) -> Self {
        let redis = Redis::start().await.unwrap();
        let connection = connect(&redis.url()).await;
        let shared = RedisSessionStore::new(connection, limits);
        Self(redis, Arc::new(FallbackSessionStore::new(shared, MemorySessionStore::new(limits))))
    }

    fn store(&self) -> Arc<dyn SessionStore> {
        Arc::clone(&self.1) as _
    }

    async fn settle(&self) {
        self.1.shared().sweep(at(0)).await;
        assert!(self.0.port() > 0 && self.1.shared().lost_writes() == 0);
    }

    fn can_jump(&self) -> bool {
        false
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
