//! The contract, held over Redis, without it, and by two instances that take turns.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hub_circuit_breaker::{
    Breaker, BreakerConfig, BreakerHealth, BreakerStore, Event, FallbackBreakerStore, Transition, TrialAnswer,
};
use hub_redis::RedisSettings;
use hub_types::ProviderId;
use jiff::Timestamp;

use super::{connect, connect_with, over};
use crate::contract::Subject;
use hub_testkit::RedisDatabase;

struct InRedis {
    store: Arc<FallbackBreakerStore>,
    _database: RedisDatabase,
}

/// Redis was never there.
struct Alone(Arc<FallbackBreakerStore>);

struct TakingTurns {
    store: Arc<TwoInstances>,
    _database: RedisDatabase,
}

impl Subject for InRedis {
    async fn fresh() -> Self {
        let database = RedisDatabase::take().await.unwrap();
        Self { store: Arc::new(over(connect(database.url()).await)), _database: database }
    }

    fn store(&self) -> Arc<dyn BreakerStore> {
        Arc::clone(&self.store) as _
    }
}

impl Subject for Alone {
    async fn fresh() -> Self {
        let settings =
            RedisSettings { connect_timeout: Duration::from_millis(20), ..RedisSettings::default() };
        // Nobody listens at port 1.
        Self(Arc::new(over(connect_with("redis://127.0.0.1:1", settings).await)))
    }

    fn store(&self) -> Arc<dyn BreakerStore> {
        Arc::clone(&self.0) as _
    }
}

impl Subject for TakingTurns {
    async fn fresh() -> Self {
        let database = RedisDatabase::take().await.unwrap();
        let instances = [over(connect(database.url()).await), over(connect(database.url()).await)];
        let store = Arc::new(TwoInstances { instances, turn: AtomicUsize::new(0) });
        Self { store, _database: database }
    }

    fn store(&self) -> Arc<dyn BreakerStore> {
        Arc::clone(&self.store) as _
    }
}

/// Whatever happens, happens at the one whose turn it is, when it has just asked Redis: what it may not know yet
/// is the matter of other tests.
struct TwoInstances {
    instances: [FallbackBreakerStore; 2],
    turn: AtomicUsize,
}

impl TwoInstances {
    async fn next(
        &self,
        provider: ProviderId,
        config: BreakerConfig,
        now: Timestamp,
    ) -> &FallbackBreakerStore {
        let store = &self.instances[self.turn.fetch_add(1, Ordering::Relaxed) % 2];
        store.list(&[(provider, config)], now).await;
        store
    }
}

#[async_trait]
impl BreakerStore for TwoInstances {
    async fn refresh(&self, providers: &[ProviderId], now: Timestamp) {
        let asked: Vec<_> = providers.iter().map(|id| (*id, BreakerConfig::default())).collect();
        for instance in &self.instances {
            instance.list(&asked, now).await;
        }
    }

    fn health(&self, provider: ProviderId, config: BreakerConfig, now: Timestamp) -> BreakerHealth {
        let [one, other] = &self.instances;
        assert_eq!(one.health(provider, config, now), other.health(provider, config, now));
        one.health(provider, config, now)
    }

    async fn take_trial(&self, provider: ProviderId, config: BreakerConfig, now: Timestamp) -> TrialAnswer {
        self.next(provider, config, now).await.take_trial(provider, config, now).await
    }

    async fn record(
        &self,
        provider: ProviderId,
        event: Event,
        config: BreakerConfig,
        now: Timestamp,
    ) -> Option<Transition> {
        self.next(provider, config, now).await.record(provider, event, config, now).await
    }

    async fn list(&self, providers: &[(ProviderId, BreakerConfig)], now: Timestamp) -> Vec<Breaker> {
        self.instances[self.turn.fetch_add(1, Ordering::Relaxed) % 2].list(providers, now).await
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn sweep(&self, now: Timestamp) {
        for instance in &self.instances {
            instance.sweep(now).await;
        }
    }
}

mod in_redis {
    use super::InRedis;
    use crate::contract::contract;
    contract!(InRedis);
}

mod alone {
    use super::Alone;
    use crate::contract::contract;
    contract!(Alone);
}

mod taking_turns {
    use super::TakingTurns;
    use crate::contract::contract;
    contract!(TakingTurns);
}
