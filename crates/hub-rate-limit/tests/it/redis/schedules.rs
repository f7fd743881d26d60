//! What the budget modes promise, with requests at two hubs whose clocks differ, on one Redis.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::task::JoinSet;

use super::agreement::InRedis;
use crate::contract::Desk;
use crate::schedule::promises_are_kept;

const SCHEDULES: u64 = 1_000;
/// So many are gone through at a time.
const PLAYERS: usize = 16;

/// Apart from all other users in the same Redis.
const SERIES: i64 = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_schedules_at_two_hubs_keep_what_is_promised() {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut players = JoinSet::new();
    for _ in 0..PLAYERS {
        players.spawn(async {
            let hubs = [Desk::<InRedis>::new().await, Desk::<InRedis>::new().await];
            loop {
                let seed = NEXT.fetch_add(1, Ordering::Relaxed);
                if seed >= SCHEDULES {
                    break;
                }
                promises_are_kept(&hubs, SERIES, seed..seed + 1).await;
            }
        });
    }
    while let Some(played) = players.join_next().await {
        played.unwrap();
    }
}
