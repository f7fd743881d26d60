use std::sync::Arc;

use hub_types::{
    Convertible, Dialect, ErrorClass, GroupSet, MatchKind, ModelRedirect, ModelRule, Provider, ProviderId,
    ProviderType, Secret,
};
use jiff::civil::{Time, time};
use url::Url;

use crate::{
    AlwaysClosed, Catalogue, Decision, Health, RoutingFacts, UrlRefused, check_address, check_provider_url,
    choose, classify_status, redirect, upstream_target, verdict,
};

pub(crate) fn provider(id: i64, change: impl FnOnce(&mut Provider)) -> Arc<Provider> {
    let mut provider = Provider::new(
        ProviderId(id),
        &format!("p{id}"),
        "https://x",
        ProviderType::Claude,
        Secret::new("secret"),
    );
    change(&mut provider);
    Arc::new(provider)
}

pub(crate) fn rule(kind: MatchKind, pattern: &str) -> ModelRule {
    ModelRule { kind, pattern: pattern.to_owned() }
}

pub(crate) fn catalogue(providers: Vec<Arc<Provider>>) -> Catalogue {
    let (catalogue, errors) = Catalogue::build(providers);
    assert_eq!(errors, []);
    catalogue
}

fn decide(catalogue: &Catalogue, seed: u64) -> Decision {
    let groups = GroupSet::parse("team");
    let facts = RoutingFacts {
        groups: &groups,
        dialect: Dialect::Claude,
        convertible: Convertible::Yes,
        model: Some("claude-x"),
        client_name: Some("claude-cli"),
    };
    let health = |provider: &Provider| if provider.id.0 == 9 { Health::CircuitOpen } else { Health::Admit };
    choose(catalogue, &facts, &health, &[ProviderId(4)], time(23, 0, 0, 0), seed)
}

fn team(id: i64, change: impl FnOnce(&mut Provider)) -> Arc<Provider> {
    provider(id, |provider| {
        provider.group_tag = GroupSet::parse("team");
        change(provider);
    })
}

#[test]
fn each_stage_drops_with_its_reason_and_is_counted() {
    let catalogue = catalogue(vec![
        team(11, |provider| provider.priority = 1),
        provider(1, |_| ()),
        team(2, |provider| provider.is_enabled = false),
        team(3, |provider| {
            (provider.active_time_start, provider.active_time_end) =
                (Some(time(8, 0, 0, 0)), Some(time(23, 0, 0, 0)));
        }),
        team(4, |_| ()),
        team(5, |provider| provider.allowed_clients = vec!["codex".to_owned()]),
        team(6, |provider| provider.blocked_clients = vec!["Claude-CLI".to_owned()]),
        team(7, |provider| provider.allowed_models = vec![rule(MatchKind::Suffix, "-y")]),
        team(8, |provider| provider.provider_type = ProviderType::Codex),
        team(9, |_| ()),
        team(10, |provider| {
            provider.priority = 5;
            provider.group_priorities.insert("team".to_owned(), 0);
        }),
    ]);
    let decision = decide(&catalogue, 1);
    assert_eq!(decision.picked.as_ref().unwrap().provider().id, ProviderId(10));
    assert_eq!((decision.probability_ppm, decision.priority, decision.emptied_by()), (1_000_000, 0, None));
    let dropped: Vec<_> =
        decision.dropped.iter().map(|dropped| (dropped.provider_id.0, dropped.reason.as_str())).collect();
    assert_eq!(
        dropped,
        [
            (1, "group_filtered"),
            (2, "disabled"),
            (3, "schedule_inactive"),
            (4, "excluded"),
            (5, "client_restriction"),
            (6, "client_restriction"),
            (7, "model_not_allowed"),
            (8, "dialect_mismatch"),
            (9, "circuit_open"),
            (11, "lower_priority")
        ]
    );
    let left: Vec<_> = decision.stages().into_iter().map(|count| count.left).collect();
    assert_eq!(left, [10, 7, 5, 4, 3, 2, 1]);
}

#[test]
fn an_empty_choice_names_the_stage_that_emptied_it() {
    let nobody = decide(&catalogue(vec![team(4, |_| ()), provider(1, |_| ())]), 0);
    assert!(nobody.picked.is_none());
    assert_eq!((nobody.emptied_by(), nobody.probability_ppm), (Some("enabled"), 0));
    assert_eq!(decide(&catalogue(vec![]), 0).emptied_by(), Some("group"));
}

#[test]
fn a_time_window_may_run_over_midnight() {
    let night = |at: Time| {
        let providers = vec![provider(1, |provider| {
            (provider.active_time_start, provider.active_time_end) =
                (Some(time(22, 0, 0, 0)), Some(time(6, 0, 0, 0)));
        })];
        let facts = RoutingFacts {
            groups: &GroupSet::default(),
            dialect: Dialect::Claude,
            convertible: Convertible::Yes,
            model: None,
            client_name: None,
        };
        choose(&catalogue(providers), &facts, &AlwaysClosed, &[], at, 0).picked.is_some()
    };
    assert!(night(time(22, 0, 0, 0)) && night(time(5, 59, 0, 0)));
    assert!(!night(time(6, 0, 0, 0)) && !night(time(12, 0, 0, 0)));
}

#[test]
fn rules_match_and_redirects_admit() {
    for (kind, pattern, admits) in [
        (MatchKind::Exact, "claude-x", true),
        (MatchKind::Exact, "claude", false),
        (MatchKind::Prefix, "claude", true),
        (MatchKind::Suffix, "-x", true),
        (MatchKind::Contains, "ude", true),
        (MatchKind::Regex, "^c.*x$", true),
        (MatchKind::Regex, "^x", false),
    ] {
        let catalogue =
            catalogue(vec![team(1, |provider| provider.allowed_models = vec![rule(kind, pattern)])]);
        assert_eq!(decide(&catalogue, 0).picked.is_some(), admits, "{kind:?} {pattern}");
    }
    let catalogue = catalogue(vec![team(1, |provider| {
        provider.allowed_models = vec![rule(MatchKind::Exact, "other")];
        for (source, target) in [("claude", "first"), ("claude-x", "second")] {
            provider.model_redirects.push(ModelRedirect {
                kind: MatchKind::Prefix,
                source: source.to_owned(),
                target: target.to_owned(),
            });
        }
    })]);
    assert_eq!(redirect(&decide(&catalogue, 0).picked.unwrap(), "claude-x"), Some("first"));
    assert_eq!(redirect(&catalogue.providers()[0], "gpt"), None);
}

#[test]
fn a_broken_pattern_is_reported_by_name_and_hurts_nobody_else() {
    for pattern in ["(", "(a{1000}){1000}"] {
        let (catalogue, errors) = Catalogue::build([
            team(1, |provider| provider.allowed_models = vec![rule(MatchKind::Regex, pattern)]),
            team(2, |_| ()),
        ]);
        assert_eq!((catalogue.providers().len(), errors.len()), (1, 1));
        assert!(errors[0].to_string().contains("p1") && errors[0].to_string().contains("allowed_models"));
        assert!(catalogue.get(ProviderId(2)).is_some() && catalogue.get(ProviderId(1)).is_none());
    }
}

#[test]
fn weights_are_shares() {
    for (weights, shares) in
        [([1, 2, 7], [0.1, 0.2, 0.7]), ([0, 0, 0], [1.0 / 3.0; 3]), ([0, 5, 5], [0.0, 0.5, 0.5])]
    {
        let providers =
            weights.iter().zip(1..).map(|(&weight, id)| team(id, |provider| provider.weight = weight));
        let catalogue = catalogue(providers.collect());
        let mut picks = [0_u32; 3];
        for seed in 0..100_000 {
            let id = decide(&catalogue, seed).picked.unwrap().provider().id.0;
            picks[usize::try_from(id - 1).unwrap()] += 1;
        }
        let chi_square: f64 = picks
            .iter()
            .zip(shares)
            .filter(|&(_, share)| share > 0.0)
            .map(|(&seen, share)| (f64::from(seen) - share * 100_000.0).powi(2) / (share * 100_000.0))
            .sum();
        // Two degrees of freedom: 13.8 is exceeded once in a thousand.
        assert!(chi_square < 13.8, "{weights:?}: {picks:?}, {chi_square}");
        assert!(picks.iter().zip(shares).all(|(&seen, share)| share > 0.0 || seen == 0));
    }
}

#[test]
fn urls_are_joined_without_doubling() {
    for (base, path, query, expected) in [
        ("https://x/v1", "/v1/messages", None, "https://x/v1/messages"),
        ("https://x", "/v1/messages", None, "https://x/v1/messages"),
        ("https://x/", "/v1/messages", Some("beta=true"), "https://x/v1/messages?beta=true"),
        ("https://x/api/anthropic", "/v1/messages", None, "https://x/api/anthropic/v1/messages"),
        ("https://x/v1/messages", "/v1/messages", None, "https://x/v1/messages"),
        ("https://x/v1/messages/", "/v1/messages/count_tokens", None, "https://x/v1/messages/count_tokens"),
        ("https://x/paas/v4", "/v1/chat/completions", None, "https://x/paas/v4/chat/completions"),
        ("https://x/v4/chat/completions", "/v1/chat/completions", None, "https://x/v4/chat/completions"),
        (
            "http://x:8080/v1beta",
            "/v1beta/models/g:streamGenerateContent",
            Some("alt=sse&key=k"),
            "http://x:8080/v1beta/models/g:streamGenerateContent?alt=sse",
        ),
        ("https://x", "/v1internal:generateContent", Some("%6bey=k"), "https://x/v1internal:generateContent"),
        (
            "https://x/v1?api-version=1&a=b&key=own",
            "/v1/responses",
            Some("a=c%20d&key=k"),
            "https://x/v1/responses?api-version=1&key=own&a=c%20d",
        ),
        ("https://[::1]:1/v1", "/v1/models/a%2Fb", None, "https://[::1]:1/v1/models/a%2Fb"),
    ] {
        let base = Url::parse(base).unwrap();
        let origin = base.origin().ascii_serialization();
        assert_eq!(format!("{origin}{}", upstream_target(&base, path, query)), expected);
    }
}

#[test]
fn addresses_inside_are_refused() {
    for address in [
        "0.0.0.0",
        "169.254.169.254",
        "fe80::1",
        "::",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "100.100.100.200",
        "224.0.0.1",
    ] {
        assert!(
            matches!(check_address(address.parse().unwrap(), true), Err(UrlRefused::Forbidden(_))),
            "{address}"
        );
    }
    for address in [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "::1",
        "fc00::1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
    ] {
        assert_eq!(check_address(address.parse().unwrap(), true), Ok(()), "{address}");
        assert!(
            matches!(check_address(address.parse().unwrap(), false), Err(UrlRefused::Private(_))),
            "{address}"
        );
    }
    for address in ["8.8.8.8", "2606:4700::1111", "172.32.0.1"] {
        assert_eq!(check_address(address.parse().unwrap(), false), Ok(()), "{address}");
    }
}

#[test]
fn provider_urls_are_checked() {
    assert!(check_provider_url(" https://api.example.com/v1 ", false).is_ok());
    assert_eq!(check_provider_url("ftp://x", true), Err(UrlRefused::Scheme));
    assert_eq!(check_provider_url("https://u:p@x", true), Err(UrlRefused::Credentials));
    assert!(matches!(check_provider_url("x/v1", true), Err(UrlRefused::Malformed(_))));
    // Other spellings of the same addresses.
    for text in ["http://0x7f.1", "http://2130706433", "http://[::1]/", "http://LOCALHOST.:80"] {
        assert!(matches!(check_provider_url(text, false), Err(UrlRefused::Private(_))), "{text}");
        assert!(check_provider_url(text, true).is_ok(), "{text}");
    }
    for text in ["http://169.254.169.254/", "http://metadata.google.internal", "http://0/"] {
        assert!(matches!(check_provider_url(text, true), Err(UrlRefused::Forbidden(_))), "{text}");
    }
}

#[test]
fn statuses_are_classified_by_the_table() {
    use ErrorClass as Class;
    for (status, kind, code, message, class) in [
        (500, None, None, None, Class::ProviderError),
        (524, None, None, None, Class::ProviderError),
        (529, None, None, None, Class::Overloaded),
        (503, Some("overloaded_error"), None, None, Class::Overloaded),
        (429, Some("rate_limit_error"), None, None, Class::Throttled),
        (401, None, None, None, Class::Credential),
        (402, None, None, None, Class::Credential),
        (403, None, None, None, Class::Credential),
        (400, None, Some("insufficient_quota"), None, Class::Credential),
        (
            400,
            Some("invalid_request_error"),
            None,
            Some("Your credit balance is too low to"),
            Class::Credential,
        ),
        (400, Some("invalid_request_error"), None, Some("max_tokens"), Class::RequestFault),
        (404, None, Some("model_not_found"), None, Class::NotServed),
        (404, None, None, None, Class::NotServed),
        (404, None, Some("previous_response_not_found"), None, Class::RequestFault),
        (408, None, None, None, Class::Timeout),
        (413, None, None, None, Class::RequestFault),
        (422, None, None, None, Class::RequestFault),
        (418, None, None, None, Class::RequestFault),
        (302, None, None, None, Class::FakeSuccess),
    ] {
        assert_eq!(classify_status(status, kind, code, message), class, "{status} {code:?}");
    }
}

#[test]
fn verdicts_are_those_of_the_table() {
    use ErrorClass as Class;
    for (class, same, another, counts, pause) in [
        (Class::ClientAbort, false, false, false, 0),
        (Class::Network, true, true, true, 0),
        (Class::ProviderError, false, true, true, 0),
        (Class::Overloaded, false, true, true, 10_000),
        (Class::Throttled, false, true, false, 30_000),
        (Class::Credential, false, true, true, 60_000),
        (Class::NotServed, false, true, false, 0),
        (Class::Timeout, false, true, true, 0),
        (Class::RequestFault, false, false, false, 0),
        (Class::FakeSuccess, false, true, true, 0),
        (Class::Truncated, false, false, true, 0),
    ] {
        let verdict = verdict(class);
        let seen = (verdict.same_provider, verdict.another_provider, verdict.counts, verdict.cool_down_ms);
        assert_eq!(seen, (same, another, counts, pause), "{class:?}");
    }
}
