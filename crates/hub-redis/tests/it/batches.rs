//! Batches: answers in order, each failing alone, all in one round trip.

use std::time::{Duration, Instant};

use hub_redis::{Batch, RedisError, RedisReply, Script};
use hub_testkit::Redis;

use crate::support::{LONG, connect_to, get, good, silent, tapped};

static ONE: Script = Script::new("return 1 -- under a deadline");

fn text(text: &str) -> RedisReply {
    RedisReply::Text(text.to_owned())
}

#[tokio::test]
async fn answers_of_all_kinds_come_in_the_order_of_the_commands() {
    let redis = Redis::start().await.unwrap();
    let connection = connect_to(&redis.url(), silent()).await;
    assert!(!connection.is_cluster());
    let mut batch = Batch::new();
    batch
        .command("SET", "text", ["täxt".into(), "PX".into(), 60_000.into()])
        .command("GET", "text", [])
        .command("GET", "nothing", [])
        .command("INCR", "number", [])
        .command_with("RPUSH", "list", ["a", "b"].map(Into::into))
        .command("LRANGE", "list", [0.into(), (-1).into()])
        .command("HSET", "hash", ["field".into(), 7.into()])
        .command("HGETALL", "hash", [])
        .command("SET", "bytes", [(&b"\xff!"[..]).into()])
        .command("GET", "bytes", []);
    assert_eq!(batch.len(), 10);
    let replies = good(connection.run(batch).await.unwrap());
    assert_eq!(
        replies,
        [
            text("OK"),
            text("täxt"),
            RedisReply::Nil,
            RedisReply::Int(1),
            RedisReply::Int(2),
            RedisReply::List(vec![text("a"), text("b")]),
            RedisReply::Int(1),
            RedisReply::List(vec![text("field"), text("7")]),
            text("OK"),
            text("\u{fffd}!"),
        ]
    );
    assert_eq!(replies[7].list()[1].int(), Some(7));
    assert!(connection.run(Batch::new()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_refused_command_fails_alone_also_when_it_is_the_only_one() {
    let redis = Redis::start().await.unwrap();
    let connection = connect_to(&redis.url(), silent()).await;
    let mut batch = Batch::new();
    batch.command("SET", "text", ["word".into()]).command("INCR", "text", []).command("GET", "text", []);
    let replies = connection.run(batch).await.unwrap();
    assert!(
        matches!(
            replies.as_slice(),
            [Ok(_), Err(RedisError::Refused(_)), Ok(RedisReply::Text(word))] if word == "word"
        ),
        "{replies:?}"
    );
    let mut alone = Batch::new();
    alone.command("LPUSH", "text", ["x".into()]);
    let replies = connection.run(alone).await.unwrap();
    assert!(
        matches!(replies.as_slice(), [Err(RedisError::Refused(why))] if why.starts_with("WRONGTYPE")),
        "{replies:?}"
    );
}

#[tokio::test]
async fn a_batch_is_one_round_trip_however_many_commands_it_has() {
    let (_redis, tap, connection) = tapped().await;
    good(connection.run(get("warm")).await.unwrap());
    tap.set_delay(Duration::from_millis(50));
    let before = tap.round_trips();
    let mut batch = Batch::new();
    for number in 0..300 {
        batch.command("SET", &format!("key:{number}"), [number.into()]);
    }
    let asked = Instant::now();
    assert_eq!(good(connection.run(batch).await.unwrap()).len(), 300);
    assert_eq!(tap.round_trips() - before, 1);
    assert!(asked.elapsed() >= Duration::from_millis(50), "the tap is not in between");
}

#[tokio::test]
async fn without_a_connection_a_batch_fails_as_a_whole_and_at_once() {
    let redis = Redis::start().await.unwrap();
    let connection = connect_to(&redis.url(), silent()).await;
    redis.stop().await.unwrap();
    // The first one may be what finds out.
    let found_out = Instant::now();
    while !matches!(connection.run(get("key")).await, Err(RedisError::Unreachable(_))) {
        assert!(found_out.elapsed() < LONG, "still not unreachable");
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    for _ in 0..50 {
        let asked = Instant::now();
        let error = connection.run_for(get("key"), LONG).await.unwrap_err();
        assert!(matches!(error, RedisError::Unreachable(_)), "{error}");
        assert!(asked.elapsed() < Duration::from_millis(50), "{:?}", asked.elapsed());
    }
}

#[tokio::test]
async fn the_deadline_is_kept_also_when_scripts_have_to_be_sent_a_second_time() {
    let (_redis, tap, connection) = tapped().await;
    // Each of the two round trips is within the deadline, and both together are not.
    tap.set_delay(Duration::from_millis(200));
    let mut batch = Batch::new();
    batch.script(&ONE, &["key"], []);
    let (asked, deadline) = (Instant::now(), Duration::from_millis(300));
    let error = connection.run_for(batch, deadline).await.unwrap_err();
    assert!(matches!(error, RedisError::Timeout(of) if of == deadline), "{error}");
    assert!(asked.elapsed() < Duration::from_millis(390), "{:?}", asked.elapsed());
}
