//! Sessions in a real Redis, written key by key as operators know them.

use std::collections::BTreeMap;

use hub_redis::{Batch, RedisConnection, RedisReply, RedisSettings, RedisUrl};
use hub_testkit::Redis;

/// Who is bound where.
pub(crate) struct Seed {
    pub(crate) key: i64,
    pub(crate) name: &'static str,
    pub(crate) provider: i64,
}

pub(crate) struct Keys(RedisConnection);

impl Keys {
    pub(crate) async fn of(redis: &Redis) -> Self {
        let url = RedisUrl::parse(&redis.url()).unwrap();
        Self(RedisConnection::connect(&url, RedisSettings::default(), None).await.unwrap())
    }

    /// Everything that the hub keeps of a session, a user 7 and two conversation hashes.
    pub(crate) async fn seed(&self, seed: &Seed) {
        let Seed { key, name, provider } = seed;
        let sid = format!("k{key}.{name}");
        let of = |what: &str| format!("session:{sid}:{what}");
        let mut batch = Batch::new();
        for (what, value) in [
            ("provider", provider.to_string()),
            ("key", key.to_string()),
            ("last_seen", "1795000000000".to_owned()),
            ("concurrent_count", "1".to_owned()),
            ("seq", "3".to_owned()),
            ("messages", "[]".to_owned()),
            ("response", "{}".to_owned()),
        ] {
            batch.command("SET", &of(what), [value.into(), "EX".into(), 600.into()]);
        }
        let info = ["user", "7", "key", &key.to_string(), "provider", &provider.to_string(), "model", "m"]
            .map(Into::into);
        batch.command("HSET", &of("info"), info);
        batch.command("HSET", &of("usage"), ["requests".into(), 3.into()]);
        for hash in ["1", "2"] {
            let entry = format!("hash:{key}:{hash}{:015x}", name.len());
            batch.command("SET", &entry, [sid.as_str().into(), "EX".into(), 600.into()]);
        }
        for owner in
            ["global".to_owned(), format!("key:{key}"), "user:7".to_owned(), format!("provider:{provider}")]
        {
            let roster = format!("{owner}:active_sessions");
            batch.command("ZADD", &roster, [1_795_000_000_000.into(), sid.as_str().into()]);
        }
        for answer in self.0.run(batch).await.unwrap() {
            answer.unwrap();
        }
    }

    /// Many bindings at once, without anything else of the sessions.
    pub(crate) async fn bind_many(&self, count: u32, provider: i64) {
        let names: Vec<_> = (0..count).map(|at| format!("session:k1.many-{at}:provider")).collect();
        for part in names.chunks(500) {
            let mut batch = Batch::new();
            for name in part {
                batch.command("SET", name, [provider.into(), "EX".into(), 600.into()]);
            }
            self.0.run(batch).await.unwrap();
        }
    }

    async fn one(&self, name: &'static str, argument: &str) -> RedisReply {
        let mut batch = Batch::new();
        batch.command(name, argument, []);
        self.0.run(batch).await.unwrap().remove(0).unwrap()
    }

    /// How many keys look like this.
    pub(crate) async fn count(&self, pattern: &str) -> usize {
        self.one("KEYS", pattern).await.list().len()
    }

    /// All keys with what is in them.
    pub(crate) async fn all(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        for key in self.one("KEYS", "*").await.list() {
            let key = key.text().unwrap();
            all.insert(key.to_owned(), self.one("DUMP", key).await.text().unwrap().to_owned());
        }
        all
    }

    /// The members of a set of active sessions.
    pub(crate) async fn members(&self, roster: &str) -> Vec<String> {
        let mut batch = Batch::new();
        batch.command("ZRANGE", roster, [0.into(), (-1).into()]);
        let answer = self.0.run(batch).await.unwrap().remove(0).unwrap();
        answer.list().iter().map(|member| member.text().unwrap().to_owned()).collect()
    }
}
