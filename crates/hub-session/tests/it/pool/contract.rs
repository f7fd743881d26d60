//! What holds for every store.

use std::sync::Arc;

use hub_session::{Collected, PoolState, PoolStore};
use tokio::task::JoinSet;

use super::fixture::{at, session};

async fn the_first_collected_is_current_and_the_bound_holds(store: Arc<dyn PoolStore>) {
    assert_eq!(store.state().await.unwrap(), PoolState::default());
    let collect = async |name| store.collect(&session(name), 2).await.unwrap();
    assert_eq!(collect("b").await, Collected { is_new: true, size: 1, is_full: false });
    assert_eq!(collect("b").await, Collected { is_new: false, size: 1, is_full: false });
    assert_eq!(collect("a").await, Collected { is_new: true, size: 2, is_full: true });
    assert_eq!(collect("c").await, Collected { is_new: false, size: 2, is_full: true });
    let expected = PoolState {
        members: [session("a"), session("b")].into(),
        current: Some(session("b")),
        last_switch: None,
    };
    assert_eq!(store.state().await.unwrap(), expected);
}

async fn a_switch_happens_only_from_what_was_seen(store: Arc<dyn PoolStore>) {
    store.collect(&session("a"), 3).await.unwrap();
    store.collect(&session("b"), 3).await.unwrap();
    assert!(store.switch(&session("b"), None, at(0)).await.unwrap());
    assert!(!store.switch(&session("a"), None, at(1)).await.unwrap());
    assert!(!store.switch(&session("a"), Some(at(1)), at(2)).await.unwrap());
    let state = store.state().await.unwrap();
    assert_eq!((state.current, state.last_switch), (Some(session("b")), Some(at(0))));
    // A part of a millisecond is not kept, and does not hinder the next switch.
    let finer = at(5).checked_add(std::time::Duration::from_micros(700)).unwrap();
    assert!(store.switch(&session("a"), Some(at(0)), finer).await.unwrap());
    assert_eq!(store.state().await.unwrap().last_switch, Some(at(5)));
    assert!(store.switch(&session("b"), Some(at(5)), at(6)).await.unwrap());
}

async fn set_by_hand_it_is_current_whatever_was_before(store: Arc<dyn PoolStore>) {
    store.collect(&session("a"), 3).await.unwrap();
    store.collect(&session("b"), 3).await.unwrap();
    store.set_current(&session("b"), at(9)).await.unwrap();
    store.set_current(&session("a"), at(4)).await.unwrap();
    let state = store.state().await.unwrap();
    assert_eq!((state.current, state.last_switch), (Some(session("a")), Some(at(4))));
}

async fn clearing_keeps_the_current_one_and_makes_room(store: Arc<dyn PoolStore>) {
    assert_eq!(store.clear().await.unwrap(), 0);
    for name in ["a", "b", "c"] {
        store.collect(&session(name), 3).await.unwrap();
    }
    store.set_current(&session("b"), at(0)).await.unwrap();
    assert_eq!(store.clear().await.unwrap(), 2);
    let state = store.state().await.unwrap();
    assert_eq!((state.members, state.current), ([session("b")].into(), Some(session("b"))));
    assert_eq!(store.clear().await.unwrap(), 0);
    assert!(store.collect(&session("d"), 3).await.unwrap().is_new);
}

async fn of_a_hundred_at_once_as_many_as_there_is_room_for_come_in(store: Arc<dyn PoolStore>) {
    let mut tasks = JoinSet::new();
    for n in 0..100 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.collect(&session(&format!("s{n}")), 7).await.unwrap() });
    }
    let answers = tasks.join_all().await;
    let new = answers.iter().filter(|collected| collected.is_new).count();
    let largest = answers.iter().map(|collected| collected.size).max().unwrap();
    assert_eq!((new, largest), (7, 7));
    let state = store.state().await.unwrap();
    assert_eq!(state.members.len(), 7);
    assert!(state.members.contains(&state.current.unwrap()));
}

async fn of_many_that_saw_the_same_one_switches(store: Arc<dyn PoolStore>) {
    store.collect(&session("a"), 3).await.unwrap();
    let mut tasks = JoinSet::new();
    for n in 0..50 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            store.switch(&session(&format!("s{n}")), None, at(0)).await.unwrap().then_some(n)
        });
    }
    let winners: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1, "{winners:?}");
    let current = store.state().await.unwrap().current;
    assert_eq!(current, Some(session(&format!("s{}", winners[0]))));
}

/// One test for each rule and store.
macro_rules! contract {
    ($($rule:ident),+ $(,)?) => {
        mod in_memory {
            use std::sync::Arc;

            use hub_session::MemoryPool;

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() {
                super::$rule(Arc::new(MemoryPool::new())).await;
            })+
        }
        #[cfg(feature = "redis")]
        mod in_redis {
            use std::sync::Arc;

            use hub_session::RedisPool;
            use hub_testkit::RedisDatabase;

            use crate::redis::connect;

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() {
                let database = RedisDatabase::take().await.unwrap();
                let store = RedisPool::new(connect(database.url()).await);
                super::$rule(Arc::new(store)).await;
            })+
        }
    };
}

contract!(
    the_first_collected_is_current_and_the_bound_holds,
    a_switch_happens_only_from_what_was_seen,
    set_by_hand_it_is_current_whatever_was_before,
    clearing_keeps_the_current_one_and_makes_room,
    of_a_hundred_at_once_as_many_as_there_is_room_for_come_in,
    of_many_that_saw_the_same_one_switches,
);
