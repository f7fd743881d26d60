//! Redis forgets while a hub's journal waits for a database that only this hub has lost: what is missing in the
//! counters that the other one rebuilds is in as soon as it is in the ledger.

use std::time::Duration;

use hub_testkit::{Postgres, Redis, WireTap};
use hub_types::Money;
use serde_json::json;

use super::shared::{answers, cost, dear, limit, taken, times};
use crate::harness::eventually;
use crate::sessions::store::Store;
use crate::sessions::town::Town;

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_that_come_late_are_counted_in_counters_that_were_rebuilt_without_them() {
    let redis = Redis::start().await.unwrap();
    let tap = WireTap::before(Postgres::shared().await.unwrap().port()).await.unwrap();
    let town =
        Town::build_between(&redis.url(), &[], &[json!({"limit_total_usd": "1000"})], Some(&tap)).await;
    let store = Store::at(&redis.url()).await;
    town.plays(0, answers());
    let limits = json!({"limit_total_usd": "0.97", "limit_daily_usd": "0.97", "limit_5h_usd": "0.97"});
    let key = limit(&town, limits).await;
    let request = dear().key(&key);
    let windows = ["usd_total", "usd_daily", "usd_5h"];
    let is_spent = async |hub: usize, count: usize| {
        for window in windows {
            let expected = (times(cost(), count), Money::ZERO);
            let is_there = async || (taken(&town, hub, window).await == expected).then_some(());
            eventually(&format!("hub {hub} has {count} requests in {window}"), PATIENCE, is_there).await;
        }
    };

    // The first one is in the ledger before there is any trouble.
    let answer = town.send(1, &request).await;
    assert_eq!(answer.status, 200);
    town.record(&answer).await;
    is_spent(0, 1).await;

    // The second hub has no database, and what it spends is counted in Redis alone.
    tap.hold();
    for _ in 0..3 {
        assert_eq!(town.send(1, &request).await.status, 200);
    }
    is_spent(0, 4).await;

    // Redis forgets, and the first hub has nothing but the ledger to go by.
    store.flush_all().await;
    is_spent(0, 1).await;

    tap.let_go();
    is_spent(0, 4).await;
    is_spent(1, 4).await;
    assert_eq!(town.send(0, &request).await.status, 200);
    is_spent(0, 5).await;
    for hub in [0, 1] {
        assert_eq!(town.send(hub, &request).await.status, 429, "five of them reach the limit");
    }
    town.close().await;
}
