use hub_types::StatusMatch;
use jiff::Timestamp;
use proptest::prelude::*;

use super::*;

fn rule(id: i64) -> ErrorRule {
    ErrorRule {
        id: ErrorRuleId(id),
        name: format!("rule {id}"),
        description: String::new(),
        is_enabled: true,
        priority: 0,
        provider_types: Vec::new(),
        provider_id: None,
        status: None,
        error_type: None,
        pattern: None,
        pattern_match: TextMatch::Contains,
        class: ErrorClass::Throttled,
        replacement_status: None,
        replacement_message: None,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

fn said(text: &str) -> Complaint<'_> {
    Complaint {
        provider: ProviderId(7),
        provider_type: ProviderType::Claude,
        status: 400,
        error_type: Some("invalid_request_error"),
        code: Some("odd_code"),
        text,
    }
}

fn matching(kind: TextMatch, pattern: &str) -> ErrorRule {
    ErrorRule { pattern: Some(pattern.to_owned()), pattern_match: kind, ..rule(1) }
}

#[track_caller]
fn first(rules: &[ErrorRule], complaint: &Complaint<'_>) -> Option<i64> {
    let (rules, problems) = ErrorRules::build(rules.iter().cloned());
    assert_eq!(problems, []);
    rules.find(complaint).map(|found| found.rule().id.0)
}

#[test]
fn all_conditions_that_are_set_must_hold() {
    let complaint = said("Too many users today");
    let status = |text: &str| Some(text.parse::<StatusMatch>().unwrap());
    let word = |word: &str| Some(word.to_owned());
    for (is_found, rule) in [
        (true, ErrorRule { status: status("400"), ..rule(1) }),
        (true, ErrorRule { status: status("4xx"), ..rule(1) }),
        (false, ErrorRule { status: status("5xx"), ..rule(1) }),
        (true, ErrorRule { error_type: word("INVALID_request_error"), ..rule(1) }),
        (true, ErrorRule { error_type: word("odd_code"), ..rule(1) }),
        (false, ErrorRule { error_type: word("invalid_request"), ..rule(1) }),
        (true, matching(TextMatch::Contains, "MANY users")),
        (false, matching(TextMatch::Contains, "no users")),
        (true, matching(TextMatch::Exact, " too many users today")),
        (false, matching(TextMatch::Exact, "too many users")),
        (true, matching(TextMatch::Regex, "^Too many (users|friends)")),
        (false, matching(TextMatch::Regex, "^too many")),
        (true, ErrorRule { status: status("400"), ..matching(TextMatch::Contains, "users") }),
        (false, ErrorRule { status: status("500"), ..matching(TextMatch::Contains, "users") }),
        (false, ErrorRule { is_enabled: false, ..matching(TextMatch::Contains, "users") }),
        // Where an error comes from is not yet a reason.
        (false, ErrorRule { provider_id: Some(ProviderId(7)), ..rule(1) }),
        (true, ErrorRule { provider_id: Some(ProviderId(7)), status: status("400"), ..rule(1) }),
        (false, ErrorRule { provider_id: Some(ProviderId(8)), status: status("400"), ..rule(1) }),
        (true, ErrorRule { provider_types: vec![ProviderType::Claude], status: status("400"), ..rule(1) }),
        (false, ErrorRule { provider_types: vec![ProviderType::Codex], status: status("400"), ..rule(1) }),
    ] {
        assert_eq!(first(std::slice::from_ref(&rule), &complaint).is_some(), is_found, "{rule:?}");
    }
}

#[test]
fn case_does_not_matter_in_other_scripts_either() {
    for (pattern, text) in [("额度不足", "错误：额度不足，请充值"), ("ПРЕВЫШЕН", "лимит превышен")]
    {
        assert_eq!(first(&[matching(TextMatch::Contains, pattern)], &said(text)), Some(1));
    }
}

#[test]
fn a_broken_pattern_takes_only_its_own_rule_with_it() {
    let broken = ErrorRule { id: ErrorRuleId(1), ..matching(TextMatch::Regex, "(") };
    let good = ErrorRule { id: ErrorRuleId(2), ..matching(TextMatch::Regex, "users") };
    let (rules, problems) = ErrorRules::build([broken, good]);
    assert_eq!(problems.iter().map(|problem| problem.id.0).collect::<Vec<_>>(), [1]);
    assert_eq!(rules.find(&said("users")).map(|found| found.rule().id.0), Some(2));
}

#[test]
fn text_is_looked_at_as_far_as_it_is_said_and_cut_between_characters() {
    let far = format!("{}needle", "é".repeat(MOST_ERROR_TEXT / 2));
    assert_eq!(first(&[matching(TextMatch::Contains, "needle")], &said(&far)), None);
    let odd = format!("x{}", "é".repeat(MOST_ERROR_TEXT));
    assert_eq!(first(&[matching(TextMatch::Regex, "é$")], &said(&odd)), Some(1));
}

#[test]
fn rules_that_would_hold_clients_mistakes_against_providers_are_too_broad() {
    for (status, class, expected) in [
        ("4xx", ErrorClass::Overloaded, true),
        ("400", ErrorClass::ProviderError, true),
        ("422", ErrorClass::Network, true),
        ("200", ErrorClass::Credential, true),
        ("2xx", ErrorClass::Timeout, true),
        ("5xx", ErrorClass::Overloaded, false),
        ("429", ErrorClass::Credential, false),
        ("404", ErrorClass::ProviderError, false),
        ("400", ErrorClass::Throttled, false),
        ("4xx", ErrorClass::NotServed, false),
        ("500", ErrorClass::RequestFault, false),
    ] {
        let broad = ErrorRule { status: Some(status.parse().unwrap()), class, ..rule(1) };
        assert_eq!(is_too_broad(&broad), expected, "{status} {class:?}");
        assert!(!is_too_broad(&ErrorRule { pattern: Some("x".to_owned()), ..broad }));
    }
}

prop_compose! {
    fn any_rule()(
        id in 0..1000_i64,
        priority in -3..3_i32,
        is_enabled in any::<bool>(),
        status in proptest::option::of((2..6_u8, any::<bool>(), 0..100_u16)),
        error_type in proptest::option::of("[a-c]{0,2}"),
        pattern in proptest::option::of(r"\PC{0,6}|[a-c(|*.\[]{0,4}"),
        kind in 0..3_usize,
        provider in proptest::option::of(0..3_i64),
    ) -> ErrorRule {
        let status = status.map(|(digit, is_hundred, rest)| {
            if is_hundred { StatusMatch::Hundred(digit) } else { StatusMatch::Exactly(u16::from(digit) * 100 + rest) }
        });
        ErrorRule {
            priority, is_enabled, status, error_type, pattern,
            pattern_match: TextMatch::ALL[kind],
            provider_id: provider.map(ProviderId),
            ..rule(id)
        }
    }
}

proptest! {
    #[test]
    fn the_first_that_matches_alone_is_the_one_whatever_the_order(
        rules in proptest::collection::vec(any_rule(), 0..12),
        status in 0..1000_u16,
        error_type in proptest::option::of("[a-c]{0,2}"),
        text in r"\PC{0,40}|[a-c]{0,5}",
        provider in 0..3_i64,
    ) {
        let complaint = Complaint {
            provider: ProviderId(provider),
            provider_type: ProviderType::Gemini,
            status,
            error_type: error_type.as_deref(),
            code: None,
            text: &text,
        };
        let matches_alone = |rule: &&ErrorRule| {
            ErrorRules::build([(*rule).clone()]).0.find(&complaint).is_some()
        };
        let expected = rules
            .iter()
            .filter(matches_alone)
            .map(|rule| (rule.priority, rule.id))
            .min();
        let (built, _) = ErrorRules::build(rules.iter().rev().cloned());
        let found = built.find(&complaint).map(|found| (found.rule().priority, found.rule().id));
        prop_assert_eq!(found, expected);
    }
}
