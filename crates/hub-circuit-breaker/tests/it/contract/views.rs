//! What requests and people see.

use hub_circuit_breaker::{BreakerHealth, BreakerState};
use hub_types::ProviderId;

use super::{CONFIG, Desk, FAILURE, P, Q, Subject, at, ms};

pub(crate) async fn a_list_has_an_answer_for_each_in_order<S: Subject>() {
    let desk = Desk::<S>::new().await;
    desk.open(0).await;
    desk.store.record(Q, FAILURE, CONFIG, at(0)).await;
    // More than travel together.
    let mut asked: Vec<_> = (100..300).map(|id| (ProviderId(id), CONFIG)).collect();
    asked.push((Q, CONFIG));
    asked.insert(50, (P, CONFIG));
    let listed = desk.store.list(&asked, at(1)).await;
    let ids: Vec<_> = listed.iter().map(|one| one.provider).collect();
    assert_eq!(ids, asked.iter().map(|(id, _)| *id).collect::<Vec<_>>());
    assert_eq!(listed[50].health, BreakerHealth::Open { reopens_at: ms(10) });
    assert_eq!((listed[50].state.failures, listed[50].state.opened_at), (3, ms(0)));
    assert_eq!(listed.last().unwrap().state, BreakerState { failures: 1, ..BreakerState::default() });
    assert_eq!(listed.iter().filter(|one| one.state == BreakerState::default()).count(), 200);
}

pub(crate) async fn a_refresh_shows_what_a_request_needs<S: Subject>() {
    let desk = Desk::<S>::new().await;
    desk.open(0).await;
    let many: Vec<_> = (1..=100).map(ProviderId).collect();
    desk.store.refresh(&many, at(1)).await;
    for provider in many {
        assert_eq!(desk.store.health(provider, CONFIG, at(1)).admits(), provider != P);
    }
    desk.store.refresh(&[], at(1)).await;
}
