//! Scripts: sent by hash, and with their source to a server that does not know them.

use std::time::Duration;

use hub_redis::{Batch, RedisConnection, RedisError, RedisReply, Script};
use hub_testkit::Redis;

use crate::support::{connect_to, get, good, silent, tapped};

static ADD: Script = Script::new("return redis.call('INCRBY', KEYS[1], ARGV[1]) + ARGV[2]");
static FAIL: Script = Script::new("return redis.error_reply('NOPE it does not like this')");

async fn add(connection: &RedisConnection, key: &str) -> Vec<RedisReply> {
    let mut batch = Batch::new();
    batch.command("SET", "before", [1.into()]).script(&ADD, &[key], [5.into(), 100.into()]).command(
        "GET",
        "before",
        [],
    );
    good(connection.run(batch).await.unwrap())
}

#[tokio::test]
async fn a_script_runs_once_each_time_and_is_known_again_after_a_flush_and_a_restart() {
    let redis = Redis::start().await.unwrap();
    let connection = connect_to(&redis.url(), silent()).await;
    assert_eq!(add(&connection, "sum").await[1], RedisReply::Int(105));
    assert_eq!(add(&connection, "sum").await[1], RedisReply::Int(110));

    let mut flush = Batch::new();
    flush.command("SCRIPT", "FLUSH", []);
    good(connection.run(flush).await.unwrap());
    assert_eq!(add(&connection, "sum").await[1], RedisReply::Int(115));

    redis.stop().await.unwrap();
    redis.start_again().await.unwrap();
    let back = tokio::time::Instant::now() + Duration::from_secs(10);
    while connection.run(get("sum")).await.is_err() {
        assert!(tokio::time::Instant::now() < back, "not connected again");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The data are gone with the server, so it counts from the beginning.
    assert_eq!(
        add(&connection, "sum").await,
        [RedisReply::Text("OK".to_owned()), RedisReply::Int(105), RedisReply::Text("1".to_owned())]
    );
}

#[tokio::test]
async fn a_script_that_is_known_is_one_round_trip_together_with_the_commands_around_it() {
    let (_redis, tap, connection) = tapped().await;
    add(&connection, "sum").await;
    tap.set_delay(Duration::from_millis(50));
    let before = tap.round_trips();
    add(&connection, "sum").await;
    assert_eq!(tap.round_trips() - before, 1);
}

#[tokio::test]
async fn a_scripts_own_error_is_its_answer() {
    let redis = Redis::start().await.unwrap();
    let connection = connect_to(&redis.url(), silent()).await;
    for _ in 0..2 {
        let mut batch = Batch::new();
        batch.script(&FAIL, &["key"], []).command("GET", "key", []);
        let replies = connection.run(batch).await.unwrap();
        assert!(
            matches!(replies.as_slice(), [Err(RedisError::Refused(why)), Ok(RedisReply::Nil)] if why.contains("NOPE")),
            "{replies:?}"
        );
    }
}
