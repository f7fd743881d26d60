//! The same against a cluster: whatever the slots, and when they move.

use hub_redis::{Batch, RedisReply, Script};
use hub_testkit::RedisCluster;

use crate::support::{LONG, connect_to, fill, good, scanned, silent};

static BOTH: Script = Script::new("return {redis.call('INCR', KEYS[1]), redis.call('INCR', KEYS[2])}");

/// `foo` is in the last third of the slots.
const SLOT_OF_FOO: u16 = 12182;

#[tokio::test]
async fn batches_scripts_and_scans_reach_all_nodes_and_follow_a_slot_that_moves() {
    let cluster = RedisCluster::start().await.unwrap();
    let connection = connect_to(&cluster.url(), silent()).await;
    assert!(connection.is_cluster());

    let mut batch = Batch::new();
    for number in 0..200 {
        let key = format!("key:{number}");
        batch.command("SET", &key, [number.into()]).command("INCR", &key, []);
    }
    let replies = good(connection.run(batch).await.unwrap());
    for (number, pair) in (0..200).zip(replies.chunks(2)) {
        assert_eq!(pair, [RedisReply::Text("OK".to_owned()), RedisReply::Int(number + 1)]);
    }

    for round in 1..=2 {
        let mut batch = Batch::new();
        for tag in 0..20 {
            let keys = [format!("{{{tag}}}:a"), format!("{{{tag}}}:b")];
            batch.script(&BOTH, &keys.each_ref().map(String::as_str), []);
        }
        let expected = RedisReply::List(vec![RedisReply::Int(round); 2]);
        assert_eq!(good(connection.run(batch).await.unwrap()), vec![expected; 20]);
    }

    fill(&connection, "many:", 20_000).await;
    assert_eq!(scanned(&connection, "many:*", 1_000).await.len(), 20_000);
    assert_eq!(scanned(&connection, "{1*}:?", 1_000).await.len(), 22);

    // Nothing is in the slot yet, so that nothing has to move with it.
    cluster.move_slot(SLOT_OF_FOO, 0).await.unwrap();
    let mut batch = Batch::new();
    batch
        .command("SET", "foo", [1.into()])
        .command("INCR", "key:0", [])
        .script(&BOTH, &["foo", "{foo}bar"], [])
        .command("GET", "{foo}", []);
    let replies = good(connection.run_for(batch, LONG).await.unwrap());
    assert_eq!(replies[0], RedisReply::Text("OK".to_owned()));
    assert_eq!(replies[1], RedisReply::Int(2));
    assert_eq!(replies[3], RedisReply::Nil);
    let mut batch = Batch::new();
    batch.command("DEL", "foo", []).command("DEL", "{foo}bar", []);
    assert_eq!(good(connection.run(batch).await.unwrap()), [RedisReply::Int(1), RedisReply::Int(1)]);
}
