//! Several instances over one Redis, and what they do without it.

use std::sync::Arc;
use std::time::Duration;

use hub_redis::{Batch, RedisConnection, RedisReply, RedisSettings, RedisUrl};
use hub_session::{PoolError, PoolRules, RedisPool, SessionPool};
use hub_testkit::Redis;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::fixture::{FIRST, at, rules, session, until};
use super::log::Log;

pub(crate) async fn connect(redis: &Redis) -> Arc<RedisConnection> {
    let url = RedisUrl::parse(&redis.url()).unwrap();
    Arc::new(RedisConnection::connect(&url, RedisSettings::default(), None).await.unwrap())
}

/// One instance of the hub, as far as the pool goes.
struct Instance {
    pool: Arc<SessionPool>,
    stop: oneshot::Sender<()>,
    task: JoinSet<()>,
}

impl Instance {
    async fn start(redis: &Redis, rules: PoolRules) -> Self {
        let store = Arc::new(RedisPool::new(connect(redis).await));
        let pool = Arc::new(SessionPool::shared(store, rules));
        let (stop, stopped) = oneshot::channel::<()>();
        let mut task = JoinSet::new();
        task.spawn(Arc::clone(&pool).run(async { drop(stopped.await) }));
        Self { pool, stop, task }
    }

    async fn lends(&self, name: &str, ms: i64) {
        let session = session(name);
        until(name, async || self.pool.borrow(u64::MAX, at(ms)).as_ref() == Some(&session)).await;
    }

    async fn holds(&self, size: usize) {
        until("size", async || self.pool.stats().await.state.members.len() == size).await;
    }

    async fn end(self) {
        self.stop.send(()).unwrap();
        tokio::time::timeout(Duration::from_secs(5), self.task.join_all()).await.unwrap();
    }
}

#[tokio::test]
async fn what_one_instance_collects_another_lends() {
    let redis = Redis::start().await.unwrap();
    let rules = PoolRules { switch_probability: 0.0, ..rules() };
    let (one, two) = (Instance::start(&redis, rules).await, Instance::start(&redis, rules).await);
    one.pool.collect("trusted", &session("a"));
    two.lends("a", 0).await;
    // The copy learns of an operator's choice elsewhere, too.
    two.pool.collect("trusted", &session("b"));
    two.holds(2).await;
    two.pool.set_current(&session("b"), at(5)).await.unwrap();
    assert_eq!(two.pool.borrow(FIRST, at(5)), Some(session("b")));
    one.lends("b", 5).await;
    one.end().await;
    two.end().await;
}

#[tokio::test]
async fn the_keys_are_those_that_operators_know_and_none_expires() {
    let redis = Redis::start().await.unwrap();
    let one = Instance::start(&redis, rules()).await;
    one.pool.collect("trusted", &session("a"));
    one.pool.collect("trusted", &session("b"));
    one.holds(2).await;
    one.pool.set_current(&session("b"), at(7)).await.unwrap();
    let connection = connect(&redis).await;
    let mut batch = Batch::new();
    batch.command("SCARD", "session_pool:available", []).command("GET", "session_pool:current", []);
    batch.command("GET", "session_pool:last_switch", []);
    for key in ["session_pool:available", "session_pool:current", "session_pool:last_switch"] {
        batch.command("TTL", key, []);
    }
    let answers = connection.run(batch).await.unwrap();
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    let forever = RedisReply::Int(-1);
    let text = |text: &str| RedisReply::Text(text.to_owned());
    let expected =
        [RedisReply::Int(2), text("k7.b"), text("1700000000007"), forever.clone(), forever.clone(), forever];
    assert_eq!(answers, expected);
    one.end().await;
}

#[tokio::test]
async fn of_two_instances_one_moves_the_pool_on() {
    let (log, _guard) = Log::start();
    let redis = Redis::start().await.unwrap();
    let (one, two) = (Instance::start(&redis, rules()).await, Instance::start(&redis, rules()).await);
    for name in ["a", "b", "c"] {
        one.pool.collect("trusted", &session(name));
    }
    // Without asking, so that nothing moves yet.
    one.holds(3).await;
    two.holds(3).await;
    let mut moves = 0;
    for ms in [0, 1000, 2000] {
        // Both saw the same last switch, and both are told to move on, to different members.
        one.pool.borrow(FIRST, at(ms)).unwrap();
        two.pool.borrow(u64::from(u32::MAX) << 32, at(ms)).unwrap();
        let agree = async || {
            let (one, two) = (one.pool.stats().await.state, two.pool.stats().await.state);
            one == two && one.last_switch == Some(at(ms))
        };
        until("agreement", agree).await;
        moves += 1;
        let switches = || log.lines().iter().filter(|line| line.contains("Switched")).count();
        until("the line", async || switches() >= moves).await;
        assert_eq!(switches(), moves, "{:?}", log.lines());
    }
    one.end().await;
    two.end().await;
}

#[tokio::test]
async fn of_many_new_sessions_on_two_instances_exactly_as_many_as_may_are_collected() {
    let (log, _guard) = Log::start();
    let redis = Redis::start().await.unwrap();
    let rules = PoolRules { max_size: 5, ..rules() };
    let (one, two) = (Instance::start(&redis, rules).await, Instance::start(&redis, rules).await);
    for n in 0..100 {
        one.pool.collect("trusted", &session(&format!("one{n}")));
        two.pool.collect("trusted", &session(&format!("two{n}")));
        tokio::task::yield_now().await;
    }
    one.holds(5).await;
    two.holds(5).await;
    one.pool.collect("trusted", &session("late"));
    one.end().await;
    two.end().await;
    let added: Vec<_> = log.lines().into_iter().filter(|line| line.contains("Added")).collect();
    assert_eq!(added.len(), 5, "{added:?}");
    for size in 1..=5 {
        assert_eq!(added.iter().filter(|line| line.ends_with(&format!("(pool size: {size})"))).count(), 1);
    }
}

#[tokio::test]
async fn without_redis_an_instance_goes_on_alone_and_hands_over_what_it_collected() {
    let redis = Redis::start().await.unwrap();
    let one = Instance::start(&redis, rules()).await;
    one.pool.collect("trusted", &session("a"));
    one.lends("a", 0).await;
    redis.stop().await.unwrap();
    one.pool.collect("trusted", &session("b"));
    one.holds(2).await;
    assert_eq!(one.pool.borrow(FIRST, at(10)), Some(session("a")));
    // Alone it moves on by itself.
    until("moved on", async || one.pool.borrow(FIRST, at(10)) == Some(session("b"))).await;
    let refused = one.pool.set_current(&session("a"), at(20)).await;
    assert!(matches!(refused, Err(PoolError::Unavailable(_))), "{refused:?}");

    // It comes back empty: what it never had is handed over, what it lost is collected anew.
    redis.start_again().await.unwrap();
    let two = Instance::start(&redis, rules()).await;
    two.lends("b", 0).await;
    until("one follows", async || one.pool.stats().await.state.members == [session("b")].into()).await;
    one.pool.collect("trusted", &session("a"));
    two.holds(2).await;
    one.end().await;
    two.end().await;
}

#[tokio::test]
async fn redis_away_from_the_start_and_nobody_waits() {
    let redis = Redis::start().await.unwrap();
    redis.stop().await.unwrap();
    let one = Instance::start(&redis, rules()).await;
    assert_eq!(one.pool.borrow(FIRST, at(0)), None);
    one.pool.collect("trusted", &session("a"));
    one.lends("a", 0).await;
    redis.start_again().await.unwrap();
    let two = Instance::start(&redis, rules()).await;
    two.lends("a", 0).await;
    one.end().await;
    two.end().await;
}

#[tokio::test]
async fn a_pool_whose_first_member_never_became_current_heals() {
    let redis = Redis::start().await.unwrap();
    let connection = connect(&redis).await;
    let mut batch = Batch::new();
    batch.command("SADD", "session_pool:available", ["k7.b".into(), "k7.a".into(), "no session".into()]);
    batch.command("SET", "session_pool:last_switch", ["yesterday".into()]);
    connection.run(batch).await.unwrap();
    let one = Instance::start(&redis, rules()).await;
    one.lends("a", 0).await;
    one.pool.borrow(FIRST, at(0)).unwrap();
    until("moved on", async || one.pool.stats().await.state.last_switch == Some(at(0))).await;
    one.end().await;
}
