//! Reservations that nobody settles.

use hub_rate_limit::{Cause, RESERVATION_TTL};
use jiff::{SignedDuration, Timestamp};

use super::{Desk, Person, Subject, at, dollars, noon, total};

/// When what was reserved, or refreshed, so many seconds after the beginning is gone.
fn lapsed(seconds: i64) -> Timestamp {
    at(seconds) + SignedDuration::try_from(RESERVATION_TTL).unwrap()
}

fn right_before(moment: Timestamp) -> Timestamp {
    moment - SignedDuration::from_millis(1)
}

fn person() -> Person {
    Person { key_money: total("10"), user_money: total("10"), ..Person::new() }.expecting("6")
}

pub(crate) async fn a_reservation_lapses_by_itself<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (one, other) = (person(), person());
    desk.admitted(&one, noon()).await;
    desk.admitted(&other, noon()).await;
    assert_eq!(desk.refused(&one, right_before(lapsed(0))).await.cause, Cause::Reserved);
    assert_eq!(desk.taken(&one, right_before(lapsed(0))).await.1, dollars("6"));
    desk.admitted(&one, lapsed(0)).await;
    // Who looks at it does not see it any more, whether anybody asked to pass or swept.
    assert_eq!(desk.taken(&other, lapsed(0)).await.1, dollars("0"));
    desk.limiter.sweep(lapsed(1)).await;
    assert_eq!(desk.taken(&one, lapsed(1)).await.1, dollars("6"), "the second one's");
}

pub(crate) async fn refreshing_prolongs_it<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let person = person();
    let ticket = desk.admitted(&person, noon()).await;
    for second in [700, 1400, 1300] {
        desk.limiter.refresh(ticket, at(second));
        desk.subject.flush().await;
    }
    assert_eq!(desk.refused(&person, right_before(lapsed(1400))).await.cause, Cause::Reserved);
    desk.admitted(&person, lapsed(1400)).await;
}

pub(crate) async fn a_lapsed_reservation_is_not_refreshed<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let person = person();
    let ticket = desk.admitted(&person, noon()).await;
    desk.limiter.refresh(ticket, lapsed(0));
    desk.subject.flush().await;
    assert_eq!(desk.taken(&person, lapsed(0)).await, (dollars("0"), dollars("0")));
    let ended = desk.admitted(&person, lapsed(1)).await;
    desk.settle(ended, "1", lapsed(2)).await;
    desk.limiter.refresh(ended, lapsed(3));
    desk.subject.flush().await;
    assert_eq!(desk.taken(&person, lapsed(4)).await, (dollars("1"), dollars("0")));
}

pub(crate) async fn after_its_lapse_a_request_is_charged_all_the_same<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let person = person();
    let (settled, released) = (desk.admitted(&person.clone().expecting("4"), noon()).await, person.ticket());
    desk.settle(settled, "4", lapsed(5)).await;
    assert_eq!(desk.taken(&person, lapsed(6)).await, (dollars("4"), dollars("0")));
    desk.release(released, lapsed(7)).await;
    assert_eq!(desk.taken(&person, lapsed(8)).await, (dollars("4"), dollars("0")));
}
