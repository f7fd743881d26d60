//! Two hubs, one Redis: a session goes on with its provider whichever hub its requests come to.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use hub_lab::Behaviour;
use hub_testkit::Redis;
use nix::sys::signal::Signal;

use super::store::Store;
use super::town::{Request, Town, failing};
use crate::harness::eventually;

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_begun_at_one_hub_goes_on_with_its_provider_at_the_other() {
    let redis = Redis::start().await.unwrap();
    let (town, store) = (Town::of(&redis.url(), 6).await, Store::at(&redis.url()).await);
    let mut used = HashSet::new();
    for number in 0..12 {
        let request = Request::named(&format!("s-{number}"));
        let (here, there) = (number % 2, (number + 1) % 2);
        let first = town.served(here, &request).await;
        assert!(!first.is_reuse());
        used.insert(first.provider());
        store.until_bound(first.session(), first.provider()).await;
        for (turn, hub) in [(2, there), (3, here), (4, there)] {
            let next = town.served(hub, &request).await;
            assert_eq!((next.provider(), next.is_reuse()), (first.provider(), true), "{number}");
            assert_eq!(next.sequence(), Some(turn), "{number}");
        }
    }
    assert!(used.len() > 3, "12 sessions went to {used:?} only");
    town.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_failover_led_at_one_hub_the_other_one_follows() {
    let redis = Redis::start().await.unwrap();
    let (town, store) = (Town::of(&redis.url(), 3).await, Store::at(&redis.url()).await);
    town.plays(0, failing());
    let mut firsts = Vec::new();
    for number in 0..12 {
        firsts.push(town.served(number % 2, &Request::named(&format!("s-{number}"))).await);
    }
    town.plays(0, Behaviour::default());
    let moved = |first: &&super::town::Served| first.0["attempts"].as_array().unwrap().len() > 1;
    assert!(firsts.iter().filter(moved).count() > 0, "somebody would have gone to the first provider");
    for (number, first) in firsts.iter().enumerate() {
        assert_ne!(first.provider(), town.providers[0].0);
        store.until_bound(first.session(), first.provider()).await;
        let next = town.served((number + 1) % 2, &Request::named(&format!("s-{number}"))).await;
        assert_eq!((next.provider(), next.is_reuse()), (first.provider(), true), "{number}");
    }
    town.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_without_any_id_goes_on_at_the_other_hub() {
    let redis = Redis::start().await.unwrap();
    let (town, store) = (Town::of(&redis.url(), 6).await, Store::at(&redis.url()).await);
    for (number, opening) in ["Fix the build", "Write a poem", "Explain the code"].into_iter().enumerate() {
        let first = town.served(number % 2, &Request::turn(opening, 1)).await;
        store.until_bound(first.session(), first.provider()).await;
        for turn in 2..=5 {
            // The turn before is recognised by what leads to the session: its first message, then the next two.
            let expected = if turn == 2 { 1 } else { 2 };
            let known = async || {
                let mut known = 0;
                for entry in store.keys("hash:*").await {
                    known += usize::from(store.get(&entry).await.as_deref() == Some(first.session()));
                }
                (known == expected).then_some(())
            };
            eventually("the conversation is known", PATIENCE, known).await;
            let next = town.served((number + turn) % 2, &Request::turn(opening, turn)).await;
            assert_eq!(next.session(), first.session(), "{opening} {turn}");
            assert_eq!((next.provider(), next.is_reuse()), (first.provider(), true), "{opening} {turn}");
        }
    }
    town.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_ends_leaves_its_sessions_to_the_other_one() {
    let redis = Redis::start().await.unwrap();
    let (mut town, store) = (Town::of(&redis.url(), 6).await, Store::at(&redis.url()).await);
    let request = |number: usize| Request::named(&format!("s-{number}"));
    let slowly = |number: usize| {
        request(number).lab("first_chunk_ms=1500").header("x-lab-id", &format!("slow-{number}"))
    };
    let begun: Vec<Request> = (0..24).map(slowly).collect();
    let running = join_all(begun.iter().map(|request| town.begin(0, request))).await;
    let arrived = async || (town.whereabouts().len() == 24).then_some(());
    eventually("all of them are with their providers", PATIENCE, arrived).await;
    town.hubs[0].signal(Signal::SIGTERM);
    for mut connection in running {
        assert_eq!(connection.read().await.unwrap().status, 200);
    }
    let mut ended = town.hubs.remove(0);
    assert_eq!(ended.wait().await.code(), Some(0));
    // Not a moment later: what nobody waited for was written before the hub's end.
    assert_eq!(store.keys("session:*:provider").await.len(), 24);
    for number in 0..24 {
        let bound = store.binding(&format!("k{}.s-{number}", town.key.id)).await;
        let next = town.served(0, &request(number)).await;
        assert_eq!((Some(next.provider()), next.is_reuse()), (bound, true), "{number}");
    }
    town.close().await;
}
