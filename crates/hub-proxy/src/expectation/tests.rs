use std::time::Duration;

use hub_formats::scan::scan_request;
use hub_pricing::Price;
use hub_types::{Dialect, Money, Multiplier, Usage};
use serde_json::{Value, json};

use super::{Expectation, LastRequest, OutputQuantile, Question, Rate, expect};

const PRICE: &str = r#"{"input_cost_per_token":3e-6,"output_cost_per_token":15e-6,"max_output_tokens":64000,
    "cache_read_input_token_cost":3e-7,"cache_creation_input_token_cost":3.75e-6,
    "cache_creation_input_token_cost_above_1hr":6e-6}"#;

/// Nano-dollars of a token.
const INPUT: i64 = 3_000;
const OUTPUT: i64 = 15_000;
const READ: i64 = 300;
const WRITE: i64 = 3_750;
const WRITE_LONG: i64 = 6_000;

fn ask(dialect: Dialect, body: &Value, last: Option<LastRequest>) -> Expectation {
    ask_with(dialect, body, last, &OutputQuantile::default(), Some(PRICE), Multiplier::ONE)
}

fn ask_with(
    dialect: Dialect,
    body: &Value,
    last: Option<LastRequest>,
    outputs: &OutputQuantile,
    price: Option<&str>,
    provider: Multiplier,
) -> Expectation {
    let body = body.to_string().into_bytes();
    let facts = scan_request(dialect, &body).unwrap();
    let price = price.map(|json| Price::parse(json, 1).unwrap());
    let rates = [Rate { price: price.as_ref(), provider, group: Multiplier::ONE }];
    let question = Question { dialect, model: "m", body: &body, facts: &facts, rates: &rates, last };
    expect(&question, outputs)
}

fn claude(max_tokens: u64) -> Value {
    let text = "The pump in the cellar has to be looked at before winter. ".repeat(100);
    json!({"model": "m", "max_tokens": max_tokens, "messages": [{"role": "user", "content": text}]})
}

fn nanos(lines: &[(u64, i64)]) -> Money {
    Money::from_nanos(lines.iter().map(|&(tokens, rate)| i64::try_from(tokens).unwrap() * rate).sum())
}

fn last(estimated: u64, used: Usage) -> LastRequest {
    LastRequest { estimated, used, age: Duration::from_secs(20) }
}

#[test]
fn a_first_request_costs_its_estimated_input_and_a_usual_answer() {
    let found = ask(Dialect::Claude, &claude(8_000), None);
    let input = found.estimated_input;
    assert!((1_200..1_500).contains(&input), "{input}");
    assert_eq!(found.likely.tokens, input + 2_000);
    assert_eq!(found.likely.money, nanos(&[(input, INPUT), (2_000, OUTPUT)]));
    // At most twice the input, all of it written to the cache, and the whole answer.
    let most = found.worst.tokens - 8_000;
    assert!(most.abs_diff(2 * input) <= 2, "{most} {input}");
    assert_eq!(found.worst.money, nanos(&[(most, WRITE), (8_000, OUTPUT)]));
}

#[test]
fn a_tier_has_the_price_that_is_asked_for_and_at_worst_the_usual_one() {
    let price = r#"{"input_cost_per_token":2e-6,"output_cost_per_token":8e-6,
        "input_cost_per_token_priority":4e-6,"output_cost_per_token_priority":16e-6,
        "input_cost_per_token_flex":1e-6,"output_cost_per_token_flex":4e-6}"#;
    let of = |tier: &str| {
        let body = json!({"model": "m", "max_tokens": 500, "service_tier": tier,
            "messages": [{"role": "user", "content": "Why is the pump silent?"}]});
        ask_with(Dialect::OpenAi, &body, None, &OutputQuantile::default(), Some(price), Multiplier::ONE)
    };
    let (usual, priority, flex) = (of("auto"), of("priority"), of("flex"));
    let nanos = |money: Money| money.nanos();
    assert_eq!(nanos(priority.likely.money), 2 * nanos(usual.likely.money));
    assert_eq!(nanos(priority.worst.money), 2 * nanos(usual.worst.money));
    assert_eq!(2 * nanos(flex.likely.money), nanos(usual.likely.money));
    assert_eq!(flex.worst.money, usual.worst.money);
}

#[test]
fn an_answer_is_never_expected_to_be_longer_than_the_request_allows() {
    let outputs = OutputQuantile::default();
    for _ in 0..10 {
        outputs.observe("m", 9_000);
    }
    let with = |max| {
        let found = ask_with(Dialect::Claude, &claude(max), None, &outputs, Some(PRICE), Multiplier::ONE);
        (found.likely.tokens - found.estimated_input, found.worst.tokens)
    };
    assert_eq!((with(32_000).0, with(500).0), (9_000, 500));
    assert_eq!(with(32_000).1 - with(500).1, 31_500);
}

#[test]
fn without_a_limit_the_longest_answer_of_the_model_is_the_worst_case() {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let longest = |price| {
        let outputs = OutputQuantile::default();
        ask_with(Dialect::OpenAi, &body, None, &outputs, Some(price), Multiplier::ONE).worst.tokens
    };
    let unknown = longest(r#"{"input_cost_per_token":1e-6}"#);
    assert!((64_000..64_100).contains(&longest(PRICE)));
    assert!((131_072..131_200).contains(&unknown));
    // Three answers at once may each be that long.
    let mut three = body.clone();
    three["n"] = json!(3);
    let found = ask(Dialect::OpenAi, &three, None);
    assert!((192_000..192_100).contains(&found.worst.tokens));
    assert_eq!(found.likely.tokens - found.estimated_input, 6_000);
}

#[test]
fn the_session_corrects_the_estimate_both_ways() {
    let body = claude(8_000);
    let plain = ask(Dialect::OpenAi, &body, None);
    let corrected = |actual, estimated| {
        let used = Usage { input: actual, ..Usage::default() };
        ask(Dialect::OpenAi, &body, Some(last(estimated, used)))
    };
    let input = |found: Expectation| found.likely.tokens - 2_000;
    let raw = plain.estimated_input;
    assert_eq!(input(corrected(1_300, 1_000)), raw * 13 / 10);
    assert_eq!(input(corrected(800, 1_000)), raw * 8 / 10);
    assert_eq!(corrected(1_300, 1_000).estimated_input, raw, "corrections don't add up");
    // The worst case is raised by it, and never lowered.
    assert!(corrected(1_300, 1_000).worst.tokens > plain.worst.tokens);
    assert_eq!(corrected(800, 1_000).worst, plain.worst);
    // What is beyond belief is not believed, and what says nothing changes nothing.
    assert_eq!(input(corrected(1_000_000, 10)), raw * 4);
    assert_eq!(input(corrected(1, 1_000)), raw / 4);
    assert_eq!(corrected(0, 1_000), plain);
    assert_eq!(corrected(1_000, 0), plain);
}

#[test]
fn what_the_session_has_in_the_cache_is_expected_to_be_read_from_it() {
    let body = claude(8_000);
    let raw = ask(Dialect::Claude, &body, None).estimated_input;
    let used = Usage { input: 10, cache_read: 700, cache_write_5m: 290, ..Usage::default() };
    let found = ask(Dialect::Claude, &body, Some(last(1_000, used)));
    assert_eq!(found.likely.money, nanos(&[(990, READ), (raw - 990, WRITE), (2_000, OUTPUT)]));
    assert_eq!(found.likely.tokens, raw + 2_000);
    // A cache for an hour is written to at its own price.
    let long = Usage { cache_write_5m: 0, cache_write_1h: 290, ..used };
    let found = ask(Dialect::Claude, &body, Some(last(1_000, long)));
    assert_eq!(found.likely.money, nanos(&[(990, READ), (raw - 990, WRITE_LONG), (2_000, OUTPUT)]));
    // Where nothing is billed for writing, the rest is fresh.
    let read_only = Usage { input: 300, cache_read: 700, ..Usage::default() };
    let found = ask(Dialect::OpenAi, &body, Some(last(1_000, read_only)));
    assert_eq!(found.likely.money, nanos(&[(700, READ), (raw - 700, INPUT), (2_000, OUTPUT)]));
}

#[test]
fn after_a_pause_the_cache_is_written_anew() {
    let body = claude(8_000);
    let raw = ask(Dialect::Claude, &body, None).estimated_input;
    let after = |minutes: u64, used| {
        let last = LastRequest { estimated: 1_000, used, age: Duration::from_secs(60 * minutes) };
        ask(Dialect::Claude, &body, Some(last)).likely.money
    };
    let short = Usage { cache_read: 700, cache_write_5m: 300, ..Usage::default() };
    let long = Usage { cache_read: 700, cache_write_1h: 300, ..Usage::default() };
    let output = (2_000, OUTPUT);
    assert_eq!(after(4, short), nanos(&[(1_000, READ), (raw - 1_000, WRITE), output]));
    assert_eq!(after(5, short), nanos(&[(raw, WRITE), output]));
    assert_eq!(after(5, long), nanos(&[(1_000, READ), (raw - 1_000, WRITE_LONG), output]));
    assert_eq!(after(60, long), nanos(&[(raw, WRITE_LONG), output]));
}

#[test]
fn the_worst_case_trusts_no_cache() {
    let mut body = claude(8_000);
    let used = Usage { cache_read: 1_000, ..Usage::default() };
    let most = |found: Expectation| found.worst.tokens - 8_000;
    let found = ask(Dialect::Claude, &body, Some(last(1_000, used)));
    assert_eq!(found.worst.money, nanos(&[(most(found), WRITE), (8_000, OUTPUT)]));
    body["system"] =
        json!([{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]);
    let found = ask(Dialect::Claude, &body, None);
    assert_eq!(found.worst.money, nanos(&[(most(found), WRITE_LONG), (8_000, OUTPUT)]));
    let found = ask(Dialect::OpenAi, &claude(8_000), None);
    assert_eq!(found.worst.money, nanos(&[(most(found), INPUT), (8_000, OUTPUT)]));
}

#[test]
fn a_continued_response_has_all_that_went_before_as_its_input() {
    let body =
        json!({"model": "m", "previous_response_id": "resp_1", "max_output_tokens": 1_000, "input": "go on"});
    let used = Usage { input: 40_000, output: 2_000, ..Usage::default() };
    let found = ask(Dialect::Responses, &body, Some(last(39_000, used)));
    assert_eq!(found.likely.tokens, 42_000 + found.estimated_input + 1_000);
    assert!(found.estimated_input < 20 && found.worst.tokens >= found.likely.tokens);
}

#[test]
fn multipliers_and_missing_prices_count() {
    let outputs = OutputQuantile::default();
    let with = |price, factor: &str| {
        ask_with(Dialect::Claude, &claude(100), None, &outputs, price, factor.parse().unwrap())
    };
    let [one, half, free] = [with(Some(PRICE), "1"), with(Some(PRICE), "0.5"), with(None, "1")];
    assert_eq!(half.likely.money.nanos() * 2, one.likely.money.nanos());
    assert_eq!(half.worst.money.nanos() * 2, one.worst.money.nanos());
    assert_eq!((free.likely.money, free.worst.money), (Money::ZERO, Money::ZERO));
    assert_eq!((free.likely.tokens, free.worst.tokens), (one.likely.tokens, one.worst.tokens));
}

#[test]
fn of_several_providers_the_dearest_counts_whatever_it_is_dear_in() {
    // The one is dear where much is read, the other where much is written; the third may write for longest.
    let reading = r#"{"input_cost_per_token":9e-6,"output_cost_per_token":10e-6,"max_output_tokens":8000}"#;
    let writing = r#"{"input_cost_per_token":1e-6,"output_cost_per_token":17e-6,"max_output_tokens":8000}"#;
    let long = r#"{"input_cost_per_token":1e-6,"output_cost_per_token":5e-6,"max_output_tokens":64000}"#;
    let prices = [reading, writing, long].map(|json| Price::parse(json, 1).unwrap());
    let of = |rates: &[Rate<'_>], body: &Value| {
        let body = body.to_string().into_bytes();
        let facts = scan_request(Dialect::OpenAi, &body).unwrap();
        let question =
            Question { dialect: Dialect::OpenAi, model: "m", body: &body, facts: &facts, rates, last: None };
        expect(&question, &OutputQuantile::default())
    };
    let rate = |price| Rate { price, provider: Multiplier::ONE, group: Multiplier::ONE };
    let [r, w, l] = prices.each_ref().map(|price| rate(Some(price)));
    let all = [r, w, l, rate(None)];
    let (question, mut story) = (claude(100), claude(20_000));
    assert_eq!(of(&all, &question).worst.money, of(&[r], &question).worst.money);
    assert_eq!(of(&all, &story).worst.money, of(&[w], &story).worst.money);
    assert!(of(&[r], &story).worst.money < of(&[w], &story).worst.money);
    story.as_object_mut().unwrap().remove("max_tokens");
    assert_eq!(of(&all, &story).worst.money, of(&[l], &story).worst.money);
    // Where the price is not known nothing is billed, but tokens count.
    assert_eq!(of(&all, &story).worst.tokens, of(&[rate(None)], &story).worst.tokens);
}

#[test]
fn a_bound_of_no_tokens_is_no_bound_and_a_tiny_one_is_what_converters_make_of_it() {
    let body = |most: u64| {
        let messages = json!([{"role": "user", "content": "hi"}]);
        json!({"model": "m", "max_tokens": most, "messages": messages})
    };
    let most = |bound| ask(Dialect::OpenAi, &body(bound), None).worst.tokens;
    assert!(most(0) >= 64_000);
    assert_eq!(most(1), most(16));
    assert_eq!(most(17), most(16) + 1);
}

#[test]
fn absurd_figures_saturate() {
    let mut body = claude(u64::MAX);
    body["n"] = json!(u64::MAX);
    let used = Usage { input: u64::MAX, cache_read: u64::MAX, output: u64::MAX, ..Usage::default() };
    for dialect in Dialect::ALL {
        let found = ask(dialect, &body, Some(last(1, used)));
        assert!(found.likely.tokens <= found.worst.tokens && found.likely.money <= found.worst.money);
        assert!(found.likely.money >= Money::ZERO);
    }
}

#[test]
fn the_worst_case_is_never_below_the_likely_one() {
    let outputs = OutputQuantile::default();
    for output in [1, 50_000, 50_000, 50_000] {
        outputs.observe("m", output);
        for dialect in Dialect::ALL {
            for max_tokens in [1, 1_000, 100_000] {
                for estimated in [1, 1_000, 1_000_000] {
                    let used = Usage { input: 5, cache_read: 5_000, cache_write_1h: 10, ..Usage::default() };
                    let found = ask_with(
                        dialect,
                        &claude(max_tokens),
                        Some(last(estimated, used)),
                        &outputs,
                        Some(PRICE),
                        Multiplier::ONE,
                    );
                    assert!(found.likely.tokens <= found.worst.tokens, "{found:?}");
                    assert!(found.likely.money <= found.worst.money, "{dialect} {found:?}");
                }
            }
        }
    }
}
