//! What is refused, how it is said, and that no secret is said with it.

use super::{mistaken, read};

#[test]
fn all_mistakes_are_told_at_once() {
    let wrong = [
        ("ADMIN_TOKEN", "change-me"),
        ("DSN", "mysql://x"),
        ("APP_PORT", "70000"),
        ("METRICS", "maybe"),
        ("TZ", "Mars/Olympus"),
        ("SESSION_SWITCH_PROBABILITY", "1.5"),
        ("API_TEST_TIMEOUT_MS", "4999"),
    ];
    let mut found = mistaken(&wrong);
    found.sort_unstable();
    let expected = [
        "ADMIN_TOKEN",
        "API_TEST_TIMEOUT_MS",
        "APP_PORT",
        "DSN",
        "METRICS",
        "SESSION_SWITCH_PROBABILITY",
        "TZ",
    ];
    assert_eq!(found, expected);
}

#[test]
fn each_single_value_is_refused_that_would_mean_something_else() {
    for (name, value) in [
        ("APP_PORT", "+80"),
        ("APP_PORT", "-1"),
        ("APP_PORT", "8 0"),
        ("APP_HOST", "hub.example"),
        ("TRUSTED_PROXIES", "10.0.0.0/40"),
        ("SESSION_TTL", "5m"),
        ("SESSION_TTL", "0"),
        ("DB_POOL_MAX", "0"),
        ("SESSION_SWITCH_PROBABILITY", "NaN"),
        ("LOG_LEVEL", "verbose"),
        ("LOG_LEVEL", "info,"),
        ("LOG_FORMAT", "pretty"),
        ("BUDGET_MODE", "loose"),
        ("STORE_SESSION_MESSAGES", "some"),
        ("MASTER_KEY", "00"),
        ("MASTER_KEY", "zz"),
        ("REDIS_URL", "http://r"),
        ("REDIS_URL", "redis://"),
        ("APP_URL", "hub.example"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318"),
        ("DSN", "host=x user=y"),
        ("ADMIN_TOKEN", "sixteen-letters-and-ä"),
        ("ADMIN_TOKEN", "with a blank in the middle"),
    ] {
        assert_eq!(mistaken(&[(name, value)]), [name], "{value}");
    }
}

#[test]
fn contradictions_name_the_variable_and_the_other_one() {
    let pool = read(&[("SESSION_POOL_MIN_SIZE", "30")]).unwrap_err().to_string();
    assert!(
        pool.contains("SESSION_POOL_MAX_SIZE=20: expected at least SESSION_POOL_MIN_SIZE, which is 30"),
        "{pool}"
    );
    assert_eq!(mistaken(&[("SESSION_TTL_SECONDS", "60")]), ["SESSION_RENEW_THRESHOLD_SECONDS"]);
}

#[test]
fn a_weak_token_holds_on_loopback_and_only_if_one_says_so() {
    let weak = ("ADMIN_TOKEN", "short");
    let allow = ("ALLOW_WEAK_ADMIN_TOKEN", "true");
    assert_eq!(mistaken(&[weak]), ["ADMIN_TOKEN"]);
    assert!(read(&[weak, allow]).unwrap().admin_token.unwrap().secret().matches("short"));
    let outside = read(&[weak, allow, ("APP_HOST", "0.0.0.0")]).unwrap_err().to_string();
    assert!(outside.contains("ADMIN_TOKEN=***") && outside.contains("loopback"), "{outside}");
    assert_eq!(mistaken(&[("ADMIN_TOKEN", "change-me")]), ["ADMIN_TOKEN"]);
    assert!(read(&[("ADMIN_TOKEN", "sixteen-letters!")]).is_ok());
}

#[test]
fn no_secret_is_in_an_error_or_the_printed_configuration() {
    let wrong = [
        ("ADMIN_TOKEN", "hush hush"),
        ("MASTER_KEY", "hush"),
        ("DSN", "hush://hush"),
        ("REDIS_URL", "hush"),
        ("APP_URL", "ftp://me:hush@x/?token=hush"),
        ("APP_PORT", "x"),
    ];
    let errors = read(&wrong).unwrap_err();
    assert_eq!(errors.0.len(), wrong.len());
    assert!(!format!("{errors} {errors:?}").contains("hush"), "{errors}");

    let config = read(&[
        ("ADMIN_TOKEN", "hush-hush-hush-hush"),
        ("MASTER_KEY", &"ab".repeat(32)),
        ("DSN", "postgres://hub:hush@hu@db.example:5432/hub?password=hush"),
        ("REDIS_URL", "redis://:hush@r.example/1"),
        ("PRICE_SYNC_URL", "https://me:hush@p.example/m?key=hush"),
    ])
    .unwrap();
    let printed = config.print();
    assert!(!printed.contains("hush") && !printed.contains("abab"), "{printed}");
    assert!(!format!("{:?}", config.stores).contains("hush"), "{:?}", config.stores);
    assert!(printed.contains("DSN=postgres://***@db.example:5432/hub?…\n"), "{printed}");
    assert!(
        printed.contains("ADMIN_TOKEN=***\n") && printed.contains("APP_PORT=23000  # default\n"),
        "{printed}"
    );
    assert!(printed.contains("APP_URL=  # not set\n"), "{printed}");
}
