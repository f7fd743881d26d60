use hub_types::{Money, Multiplier, PriceRow, PriceSource, ServiceTier, Usage};
use proptest::prelude::*;

use crate::{Cost, Price, PriceError, PriceTable, Rates, builtin_rows, cost};

fn price(json: &str) -> Price {
    Price::parse(json, 7).unwrap()
}

fn plain(price: &Price, usage: &Usage) -> Cost {
    cost(price, usage, Multiplier::ONE, Multiplier::ONE, ServiceTier::Standard)
}

fn row(model: &str, input: &str, source: PriceSource) -> PriceRow {
    PriceRow {
        model: model.to_owned(),
        price: format!("{{\"input_cost_per_token\":{input}}}"),
        source,
        version: 1,
    }
}

#[test]
fn every_line_has_its_price() {
    let price = price(
        r#"{"input_cost_per_token":3e-06,"output_cost_per_token":1.5e-05,"input_cost_per_request":0.01,"mode":"chat"}"#,
    );
    let usage = Usage {
        input: 1000,
        output: 100,
        reasoning: 50,
        cache_read: 10_000,
        cache_write_5m: 100,
        cache_write_1h: 10,
    };
    let cost = cost(&price, &usage, "0.5".parse().unwrap(), "2".parse().unwrap(), ServiceTier::Standard);
    let lines = cost.breakdown;
    assert_eq!(lines.input, "0.003".parse().unwrap());
    assert_eq!(lines.output, "0.0015".parse().unwrap(), "reasoning is part of the output");
    assert_eq!(lines.cache_read, "0.003".parse().unwrap(), "a tenth of the input price");
    assert_eq!(lines.cache_write_5m, "0.000375".parse().unwrap(), "1.25 times");
    assert_eq!(lines.cache_write_1h, "0.00006".parse().unwrap(), "twice");
    assert_eq!(lines.other, "0.01".parse().unwrap());
    assert_eq!((cost.total, cost.version), (lines.total(), 7));
}

#[test]
fn the_longest_answer_is_read_if_it_is_given() {
    for (member, longest) in [
        (r#","max_output_tokens":64000"#, Some(64_000)),
        (r#","max_output_tokens":null"#, None),
        (r#","max_output_tokens":"many""#, None),
        ("", None),
    ] {
        let price = price(&format!(r#"{{"input_cost_per_token":1e-6{member}}}"#));
        assert_eq!(price.max_output, longest, "{member}");
    }
}

#[test]
fn long_context_reprices_the_whole_request() {
    let price = price(
        r#"{"input_cost_per_token":1e-6,"output_cost_per_token":1e-6,"input_cost_per_token_above_200k_tokens":2e-6,
        "cache_creation_input_token_cost_above_1hr_above_200k_tokens":9e-6,"input_cost_per_token_priority":3e-6}"#,
    );
    let rates = |tier, total| price.rates(tier, total);
    assert_eq!(rates(ServiceTier::Standard, 200_000).input, 1_000_000);
    let long = Rates {
        input: 2_000_000,
        output: 1_000_000,
        cache_read: 200_000,
        cache_write_5m: 2_500_000,
        cache_write_1h: 9_000_000,
    };
    assert_eq!(rates(ServiceTier::Standard, 200_001), long);
    assert_eq!(rates(ServiceTier::Priority, 5).input, 3_000_000);
    assert_eq!(
        rates(ServiceTier::Priority, 200_001).input,
        3_000_000,
        "the dearer of priority and long context"
    );
    assert_eq!(
        (rates(ServiceTier::Flex, 5).input, rates(ServiceTier::Flex, 200_001).input),
        (1_000_000, 2_000_000)
    );
    let usage = Usage { input: 1, cache_read: 200_000, ..Usage::default() };
    assert_eq!(
        plain(&price, &usage).breakdown.input,
        Money::from_nanos(2000),
        "cache reads count for the threshold"
    );
}

#[test]
fn what_is_no_price_is_refused() {
    assert_eq!(Price::parse("[]", 1), Err(PriceError::NotAnObject));
    assert_eq!(Price::parse(r#"{"mode":"chat"}"#, 1), Err(PriceError::NoPrice));
    let negative = Price::parse(r#"{"input_cost_per_token":-1}"#, 1);
    assert_eq!(negative, Err(PriceError::BadNumber("input_cost_per_token".to_owned())));
}

#[test]
fn models_are_found_by_name_prefix_and_date() {
    let rows = [
        row("Claude-X", "1e-6", PriceSource::Builtin),
        row("claude-x-20250101", "2e-6", PriceSource::Builtin),
    ];
    let (table, refused) = PriceTable::build(&rows);
    assert!(refused.is_empty());
    let input =
        |model: &str| table.find(model).map(|price| price.rates(ServiceTier::Standard, 0).input / 1_000_000);
    for (model, expected) in [
        ("claude-x", Some(1)),
        ("CLAUDE-X-20250101", Some(2)),
        ("claude-x-20260202", Some(1)),
        ("claude-x-2024-08-06", Some(1)),
        ("claude-x@20260202", Some(1)),
        ("openrouter/anthropic/claude-x", Some(1)),
        ("anthropic/claude-x-20260202", Some(1)),
        ("claude-x-2", None),
        ("é2345678", None),
        ("", None),
    ] {
        assert_eq!(input(model), expected, "{model}");
    }
}

#[test]
fn manual_prices_win_in_any_order() {
    let mut rows = vec![
        row("m", "3e-6", PriceSource::Manual),
        row("M", "2e-6", PriceSource::Sync),
        row("m", "1e-6", PriceSource::Builtin),
        row("bad", "\"x\"", PriceSource::Manual),
    ];
    for _ in 0..rows.len() {
        rows.rotate_left(1);
        let (table, refused) = PriceTable::build(&rows);
        assert_eq!(table.find("m").unwrap().rates(ServiceTier::Standard, 0).input, 3_000_000);
        assert_eq!((table.len(), refused.len()), (1, 1));
    }
}

#[test]
fn the_built_in_table_is_whole_and_sorted() {
    let rows = builtin_rows();
    let (table, refused) = PriceTable::build(&rows);
    assert!(refused.is_empty() && table.len() == rows.len() && rows.len() > 50);
    for model in [
        "claude-sonnet-4-5-20250929",
        "claude-opus-4-6",
        "gpt-5.1-codex",
        "o3",
        "gemini-2.5-pro",
        "gpt-4o-2024-08-06",
    ] {
        assert!(table.find(model).is_some(), "{model}");
    }
    let sonnet = table.find("claude-sonnet-4-5").unwrap().rates(ServiceTier::Standard, 1000);
    assert_eq!((sonnet.input, sonnet.output, sonnet.cache_write_5m), (3_000_000, 15_000_000, 3_750_000));
    let names: Vec<_> =
        include_str!("../data/builtin.json").lines().filter(|line| line.ends_with(": {")).collect();
    assert!(names.is_sorted());
    for row in &rows {
        let price = table.find(&row.model).unwrap();
        for rates in [price.rates(ServiceTier::Standard, 0), price.rates(ServiceTier::Standard, 1_000_000)] {
            assert!(
                rates.input > 0 && rates.output > rates.input && rates.cache_read <= rates.input,
                "{}",
                row.model
            );
        }
    }
}

fn usages() -> impl Strategy<Value = Usage> {
    let tokens = || 0..2_000_000_u64;
    (tokens(), tokens(), tokens(), tokens(), tokens()).prop_map(
        |(input, output, cache_read, cache_write_5m, cache_write_1h)| Usage {
            input,
            output,
            reasoning: 0,
            cache_read,
            cache_write_5m,
            cache_write_1h,
        },
    )
}

proptest! {
    #[test]
    fn costs_are_monotone_and_do_not_drift(
        usages in prop::collection::vec(usages(), 1..20),
        (input, output) in (0..100_000_000_u64, 0..100_000_000_u64),
        (provider, group) in (0..5_000_000_u32, 0..5_000_000_u32),
    ) {
        let price = price(&format!(r#"{{"input_cost_per_token":{input}e-12,"output_cost_per_token":{output}e-12}}"#));
        let (provider, group) = (Multiplier::from_millionths(provider), Multiplier::from_millionths(group));
        let of = |usage: &Usage| cost(&price, usage, provider, group, ServiceTier::Standard);
        let mut sum = Usage::default();
        let mut lines = Money::ZERO;
        for usage in &usages {
            let before = of(&sum).total;
            sum += *usage;
            prop_assert!(of(&sum).total >= before);
            lines += of(usage).total;
        }
        let drift = (lines - of(&sum).total).nanos().unsigned_abs();
        prop_assert!(drift <= 5 * usages.len() as u64, "{drift}");
        prop_assert_eq!(of(&sum).total, of(&sum).breakdown.total());
    }

    #[test]
    fn absurd_figures_saturate(tokens in any::<u64>(), factor in any::<u32>()) {
        let price = price(r#"{"input_cost_per_token":1000}"#);
        let factor = Multiplier::from_millionths(factor);
        let usage = Usage { input: tokens, ..Usage::default() };
        prop_assert!(cost(&price, &usage, factor, factor, ServiceTier::Flex).total >= Money::ZERO);
    }
}
