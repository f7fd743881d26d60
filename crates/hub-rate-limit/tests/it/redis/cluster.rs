//! Three servers, each with a third of the keys.

use hub_rate_limit::{Amount, Known, Limits, Payer, RateLimiter, Verdict};
use hub_testkit::RedisCluster;
use hub_types::{AttemptId, ProviderId};

use super::{PATIENCE, limiter};
use crate::contract::{Person, at, dollars, total, usd};

#[tokio::test]
async fn a_cluster_counts_like_one_server() {
    let cluster = RedisCluster::start().await.unwrap();
    let limiter = limiter(&cluster.url()).await;
    let limits = total("1");
    let providers: Vec<_> =
        (0..30).map(|id| (ProviderId(id), Limits { rpm: None, money: &limits, tokens: None })).collect();
    for room in limiter.room(&providers, at(0)).await.unwrap() {
        let Known::Restore(questions) = room else { panic!("{room:?}") };
        for question in questions {
            limiter.restore(&question, &question.nothing(), at(0)).await.unwrap();
        }
    }
    for _ in 0..30 {
        let person = Person { user_money: total("10"), key_rpm: Some(100), ..Person::new() }.expecting("4");
        let mut admitted = Vec::new();
        for _ in 0..4 {
            let ticket = person.ticket();
            let mut verdict = limiter.admit(&person.admission(ticket), at(1)).await.unwrap();
            if let Known::Restore(questions) = &verdict {
                for question in questions {
                    limiter.restore(question, &question.nothing(), at(1)).await.unwrap();
                }
                verdict = limiter.admit(&person.admission(ticket), at(1)).await.unwrap();
            }
            match verdict {
                Known::Yes(Verdict::Admitted) => admitted.push(ticket),
                Known::Yes(Verdict::Refused(refusal)) => assert_eq!(refusal.reserved, dollars("8")),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(admitted.len(), 2);
        for ticket in admitted {
            limiter.settle(ticket, Amount { money: usd("5"), tokens: 1 }, at(2));
        }
        limiter.flush(PATIENCE).await;
        let refused = limiter.admit(&person.admission(person.ticket()), at(3)).await.unwrap();
        let Known::Yes(Verdict::Refused(refusal)) = refused else { panic!("{refused:?}") };
        assert_eq!((refusal.current, refusal.reserved), (dollars("10"), dollars("0")));
    }
    for id in (0..30).step_by(2) {
        let actual = Amount { money: usd("1"), tokens: 0 };
        limiter.charge(AttemptId::fresh(), Payer::Provider(ProviderId(id)), actual, at(4));
    }
    limiter.flush(PATIENCE).await;
    let rooms = limiter.room(&providers, at(5)).await.unwrap();
    for (number, room) in rooms.into_iter().enumerate() {
        assert_eq!(matches!(room, Known::Yes(Some(_))), number % 2 == 0, "{number}: {room:?}");
    }
    assert_eq!(limiter.writes().lost, 0);
}
