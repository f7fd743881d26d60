//! Where sessions live: in this process, or in Redis with this process to fall back on.

use std::sync::Arc;
use std::time::Duration;

use hub_config::{Config, MessageStorage as Kept};
use hub_formats::conversation::ChainRules;
use hub_redis::RedisConnection;
use hub_session::{
    FallbackSessionStore, Limits, MemorySessionStore, MessageStorage, PoolRules, RedisPool,
    RedisSessionStore, SessionPool, Sessions,
};

/// What is left to write when the hub ends has this long.
const FAREWELL: Duration = Duration::from_secs(2);

/// The sessions and their pool, and what has to be closed at the end.
pub(crate) struct SessionParts {
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) pool: Arc<SessionPool>,
    store: Store,
}

/// What the sessions are remembered in.
#[derive(Clone)]
pub(crate) enum Store {
    Local(Arc<MemorySessionStore>),
    Shared(Arc<FallbackSessionStore<MemorySessionStore>>),
}

impl Store {
    /// How many sessions this process remembers.
    pub(crate) fn sessions(&self) -> usize {
        match self {
            Self::Local(local) => local.sessions(),
            Self::Shared(both) => both.local().sessions(),
        }
    }

    /// How many writes did not reach Redis, where there is one.
    pub(crate) fn lost_writes(&self) -> Option<u64> {
        match self {
            Self::Local(_) => None,
            Self::Shared(both) => Some(both.shared().lost_writes()),
        }
    }
}

impl SessionParts {
    /// Needs a runtime: with Redis, a task writes what no request waits for.
    pub(crate) fn open(config: &Config, redis: Option<&Arc<RedisConnection>>) -> Self {
        let settings = &config.sessions;
        let limits = Limits {
            ttl: settings.ttl,
            conversation_ttl: settings.conversation_ttl,
            renew_threshold: settings.renew_threshold,
            max_entries: settings.max_conversations,
        };
        let rules = pool_rules(config);
        let local = MemorySessionStore::new(limits);
        match redis {
            None => {
                let store = Arc::new(local);
                Self {
                    sessions: Arc::new(Sessions::new(Arc::clone(&store) as Arc<_>)),
                    pool: Arc::new(SessionPool::in_process(rules)),
                    store: Store::Local(store),
                }
            }
            Some(redis) => {
                let shared = RedisSessionStore::new(Arc::clone(redis), limits);
                let store = Arc::new(FallbackSessionStore::new(shared, local));
                Self {
                    sessions: Arc::new(Sessions::new(Arc::clone(&store) as Arc<_>)),
                    pool: Arc::new(SessionPool::shared(Arc::new(RedisPool::new(Arc::clone(redis))), rules)),
                    store: Store::Shared(store),
                }
            }
        }
    }

    /// What can be counted there.
    pub(crate) fn store(&self) -> Store {
        self.store.clone()
    }

    /// Writes what waits.
    pub(crate) async fn close(self) {
        if let Store::Shared(shared) = self.store {
            shared.close(FAREWELL).await;
        }
    }
}

fn pool_rules(config: &Config) -> PoolRules {
    let pool = &config.session_pool;
    PoolRules {
        enabled: pool.enabled,
        min_size: pool.min_size,
        max_size: pool.max_size,
        switch_probability: pool.switch_probability,
        min_switch_interval: pool.min_switch_interval,
    }
}

/// How conversations are recognised whose client sends no id.
pub(crate) fn chain_rules(config: &Config) -> ChainRules {
    ChainRules {
        message_count: config.sessions.message_count,
        include_system_prompt: config.sessions.include_system_prompt,
    }
}

/// What is kept of the bodies of a session's last exchange.
pub(crate) const fn message_storage(config: &Config) -> MessageStorage {
    match config.sessions.message_storage {
        Kept::Off => MessageStorage::Off,
        Kept::Redacted => MessageStorage::Redacted,
        Kept::Full => MessageStorage::Full,
    }
}
