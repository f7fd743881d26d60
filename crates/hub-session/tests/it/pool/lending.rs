//! Collecting and lending in one process.

use hub_session::{PoolError, PoolRules, SessionPool, Switched};

use super::fixture::{FIRST, at, rules, session};

fn pool_of(names: &[&str], rules: PoolRules) -> SessionPool {
    let pool = SessionPool::in_process(rules);
    for name in names {
        pool.collect("trusted", &session(name));
    }
    pool
}

#[tokio::test]
async fn an_empty_pool_and_one_that_is_off_lend_nothing_but_the_latter_collects() {
    assert_eq!(SessionPool::in_process(rules()).borrow(FIRST, at(0)), None);
    let off = pool_of(&["a"], PoolRules { enabled: false, ..rules() });
    assert_eq!(off.borrow(FIRST, at(0)), None);
    assert_eq!(off.stats().await.state.current, Some(session("a")));
}

#[tokio::test]
async fn a_full_pool_collects_no_more() {
    let pool = pool_of(&["a", "b", "c", "d", "e"], rules());
    let members = pool.stats().await.state.members;
    assert_eq!(members, ["a", "b", "c", "d"].map(session).into());
}

#[tokio::test]
async fn the_first_collected_is_lent_until_there_are_enough_to_move_on() {
    let pool = pool_of(&["b"], rules());
    assert_eq!(pool.borrow(FIRST, at(0)), Some(session("b")));
    pool.collect("trusted", &session("a"));
    assert_eq!(pool.borrow(FIRST, at(1)), Some(session("a")));
    for ms in [1, 2, 1000] {
        assert_eq!(pool.borrow(FIRST, at(ms)), Some(session("a")), "{ms} ms: too soon");
    }
    assert_eq!(pool.borrow(FIRST, at(1001)), Some(session("b")));
    assert_eq!(pool.stats().await.state.last_switch, Some(at(1001)));
}

#[tokio::test]
async fn what_is_not_drawn_stays() {
    let pool = pool_of(&["a", "b"], PoolRules { switch_probability: 0.25, ..rules() });
    for chance in [1 << 30, u64::from(u32::MAX), u64::MAX] {
        assert_eq!(pool.borrow(chance, at(0)), Some(session("a")));
    }
    assert_eq!(pool.borrow((1 << 30) - 1, at(0)), Some(session("b")));
}

#[tokio::test]
async fn an_operator_moves_it_on_whatever_interval_and_size_say_but_not_without_another() {
    let pool = pool_of(&["a"], PoolRules { min_size: 3, ..rules() });
    assert_eq!(pool.switch(FIRST, at(0)).await, Err(PoolError::TooFew { size: 1 }));
    pool.collect("trusted", &session("b"));
    for (ms, previous, current) in [(0, "a", "b"), (1, "b", "a")] {
        let expected = Switched { previous: Some(session(previous)), current: session(current) };
        assert_eq!(pool.switch(FIRST, at(ms)).await, Ok(expected));
    }
    assert_eq!(pool.set_current(&session("x"), at(2)).await, Err(PoolError::NotAMember));
    pool.set_current(&session("b"), at(3)).await.unwrap();
    assert_eq!(pool.borrow(FIRST, at(3)), Some(session("b")));
    assert_eq!(pool.clear().await, Ok((1, Some(session("b")))));
    assert_eq!(pool.borrow(FIRST, at(9999)), Some(session("b")));
}
