use proptest::prelude::*;

use super::Money;

proptest! {
    #[test]
    fn what_is_printed_reads_back(nanos in any::<i64>().prop_filter("the one value without a negation", |n| *n != i64::MIN)) {
        let money = Money::from_nanos(nanos);
        prop_assert_eq!(money.to_string().parse::<Money>().unwrap(), money);
        let json = serde_json::to_string(&money).unwrap();
        prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
    }
}

#[test]
fn prints_the_shortest_exact_decimal() {
    for (nanos, text) in [
        (0, "0"),
        (12_500_000_000, "12.5"),
        (3, "0.000000003"),
        (-1_000_000_000, "-1"),
        (-500_000_000, "-0.5"),
    ] {
        assert_eq!(Money::from_nanos(nanos).to_string(), text);
    }
}

#[test]
fn numbers_in_json_are_read_from_their_decimal_text() {
    assert_eq!(serde_json::from_str::<Money>("0.1").unwrap(), Money::from_nanos(100_000_000));
    assert_eq!(serde_json::from_str::<Money>("20").unwrap(), Money::from_usd(20));
}

#[test]
fn what_is_not_an_amount_is_refused() {
    for text in ["", ".", "1e3", "1,5", "0x1", "1.0000000001", "99999999999", "--1", "NaN"] {
        assert!(text.parse::<Money>().is_err(), "{text}");
    }
}
