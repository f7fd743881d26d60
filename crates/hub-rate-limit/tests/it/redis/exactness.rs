//! Money beyond what a double can count.

use hub_rate_limit::{Amount, Known, Quantity, Verdict};
use hub_types::{Money, MoneyLimits, ResetMode};

use super::PATIENCE;
use super::contract::InRedis;
use crate::contract::{Desk, Person, at};

/// Numbers that a double would round, their sum beyond 2^53.
const NANOS: [i64; 5] =
    [9_007_199_254_740_993, 1, 3_999_999_999, 999_999_999_999_999_999, 123_456_789_123_456_789];

#[tokio::test]
async fn sums_beyond_what_a_double_holds_are_exact() {
    let desk = Desk::<InRedis>::new().await;
    let limit = Some(Money::from_nanos(i64::MAX));
    for mode in [ResetMode::Rolling, ResetMode::Fixed] {
        let key_money = MoneyLimits {
            limit_5h_usd: limit,
            limit_5h_reset_mode: mode,
            limit_daily_usd: limit,
            daily_reset_mode: mode,
            limit_monthly_usd: limit,
            limit_total_usd: limit,
            ..MoneyLimits::default()
        };
        let person = Person { key_money, ..Person::new() };
        let mut sum: i64 = 0;
        for nanos in NANOS {
            let big = Amount { money: Money::from_nanos(nanos), tokens: 0 };
            let person = Person { estimate: big, ..person.clone() };
            let ticket = desk.admitted(&person, at(0)).await;
            for window in desk.usage(&person, at(0)).await {
                assert_eq!(window.reserved, Quantity::Money(Money::from_nanos(nanos)), "{window:?}");
            }
            desk.limiter.settle(ticket, big, at(0));
            assert!(desk.subject.limiter.flush(PATIENCE).await);
            sum += nanos;
            for window in desk.usage(&person, at(0)).await {
                assert_eq!(window.used, Quantity::Money(Money::from_nanos(sum)), "{window:?}");
                assert_eq!(window.reserved, Quantity::Money(Money::ZERO), "{window:?}");
            }
        }
        // One nano-dollar decides.
        let left = Money::from_nanos(i64::MAX - sum);
        let strict = |nanos| {
            let worst_case = Amount { money: Money::from_nanos(left.nanos() + nanos), tokens: 0 };
            Person { worst_case, ..person.clone() }.strict()
        };
        desk.refused(&strict(1), at(1)).await;
        let ticket = desk.admitted(&strict(0), at(1)).await;
        // And beyond the largest amount there is it stays there.
        for _ in 0..2 {
            let most = Amount { money: Money::from_nanos(i64::MAX), tokens: 0 };
            desk.limiter.settle(person.ticket(), most, at(1));
        }
        desk.release(ticket, at(1)).await;
        let refusal = desk.refused(&person, at(2)).await;
        assert_eq!(refusal.current, Quantity::Money(Money::from_nanos(i64::MAX)));
    }
}

#[tokio::test]
async fn a_full_counter_ages_like_any_other() {
    let desk = Desk::<InRedis>::new().await;
    let key_money = MoneyLimits { limit_5h_usd: Some(Money::from_nanos(i64::MAX)), ..MoneyLimits::default() };
    let person = Person { key_money, ..Person::new() };
    let ticket = desk.admitted(&person, at(0)).await;
    for (second, nanos) in [(0, i64::MAX), (60, 7), (120, i64::MAX - 3)] {
        let amount = Amount { money: Money::from_nanos(nanos), tokens: 0 };
        desk.limiter.settle(if second == 0 { ticket } else { person.ticket() }, amount, at(second));
    }
    assert!(desk.subject.limiter.flush(PATIENCE).await);
    for (second, left) in [(121, i64::MAX), (5 * 3600 + 40, i64::MAX), (5 * 3600 + 100, i64::MAX - 3)] {
        assert_eq!(desk.taken(&person, at(second)).await.0, Quantity::Money(Money::from_nanos(left)));
    }
    let verdict = desk.try_admit(&person, at(5 * 3600 + 100)).await.1;
    assert_eq!(verdict, Known::Yes(Verdict::Admitted));
}
