//! Requests per minute.

use std::time::Duration;

use hub_rate_limit::{Cause, LimitType, Owner, Quantity};
use hub_types::KeyId;
use jiff::SignedDuration;

use super::{Desk, Person, Subject, at, instant, noon};

fn limited(user_rpm: Option<u32>, key_rpm: Option<u32>) -> Person {
    Person { user_rpm, key_rpm, ..Person::new() }
}

pub(crate) async fn below_the_limit_they_pass_and_at_it_they_do_not<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for (user, key) in [(Some(3), None), (None, Some(3)), (Some(3), Some(4)), (Some(0), Some(3))] {
        let person = limited(user, key);
        for second in 0..3 {
            desk.admitted(&person, at(second)).await;
        }
        let refusal = desk.refused(&person, at(3)).await;
        let owner = if user == Some(3) { Owner::User(person.user) } else { person.key_owner() };
        assert_eq!((refusal.owner, refusal.limit_type, refusal.cause), (owner, LimitType::Rpm, Cause::Spent));
        assert_eq!((refusal.current, refusal.limit), (Quantity::Count(3), Quantity::Count(3)));
    }
}

pub(crate) async fn they_age_out_after_sixty_seconds_and_never_before<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let person = limited(None, Some(2));
    desk.admitted(&person, noon() + SignedDuration::from_millis(700)).await;
    desk.admitted(&person, at(30)).await;
    let refusal = desk.refused(&person, at(31)).await;
    // The second that the first request came in is over 61 seconds after it began.
    assert_eq!(refusal.reset, Some(instant("2025-06-11T12:01:21Z")));
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(30)));
    desk.refused(&person, at(61) - SignedDuration::from_millis(1)).await;
    desk.admitted(&person, at(61)).await;
    desk.refused(&person, at(62)).await;
}

pub(crate) async fn whoever_is_refused_does_not_count<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let person = limited(Some(5), Some(1));
    desk.admitted(&person, at(0)).await;
    for second in 1..20 {
        assert_eq!(desk.refused(&person, at(second)).await.owner, person.key_owner());
    }
    desk.admitted(&person, at(61)).await;
    // Refused by the key, they do not count for the user either.
    let other = Person { key: KeyId(2), key_rpm: None, ..person };
    for _ in 0..4 {
        desk.admitted(&other, at(61)).await;
    }
    desk.refused(&other, at(61)).await;
}

pub(crate) async fn a_users_requests_count_over_all_keys<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let one = limited(Some(2), None);
    let other = Person { key: KeyId(3), ..one.clone() };
    desk.admitted(&one, at(0)).await;
    desk.admitted(&other, at(0)).await;
    for person in [one, other] {
        assert_eq!(desk.refused(&person, at(1)).await.owner, Owner::User(person.user));
    }
}

pub(crate) async fn a_request_that_cost_nothing_counts<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let person = limited(None, Some(1));
    let ticket = desk.admitted(&person, at(0)).await;
    desk.release(ticket, at(1)).await;
    desk.refused(&person, at(1)).await;
}
