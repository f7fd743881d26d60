//! What is accepted, and as what.

use std::time::Duration;

use hub_config::{Billing, BudgetMode, LogFormat, MessageStorage, RedisScheme};

use super::read;

#[test]
fn nothing_set_gives_the_documented_defaults() {
    let config = read(&[]).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:23000");
    assert_eq!(config.server.trusted_proxies.to_string(), "127.0.0.1/32,::1/128");
    assert_eq!(config.server.max_request_bytes, 100 << 20);
    assert!(config.admin_token.is_none() && config.master_key.is_none());
    assert!(config.stores.dsn.is_none() && config.stores.redis.is_none());
    assert_eq!(config.stores.data_dir.to_str(), Some("./data"));
    assert_eq!(config.stores.redis_command_timeout, Duration::from_millis(200));
    assert_eq!(config.sessions.ttl, Duration::from_mins(5));
    assert_eq!(config.sessions.message_storage, MessageStorage::Off);
    assert!((config.session_pool.switch_probability - 0.1).abs() < f64::EPSILON);
    assert_eq!(config.limits.budget_mode, BudgetMode::Balanced);
    assert_eq!(config.accounting.billing, Billing::Original);
    assert_eq!(config.accounting.price_sync_interval, Some(Duration::from_hours(24)));
    assert_eq!(config.observability.log_format, None);
    assert_eq!(config.observability.time_zone.iana_name(), Some("UTC"));
}

#[test]
fn booleans_have_eight_spellings_quotes_and_no_others() {
    for (text, expected) in [
        ("true", true),
        ("1", true),
        ("Yes", true),
        ("ON", true),
        ("\"true\"", true),
        ("' yes '", true),
        ("false", false),
        ("0", false),
        ("no", false),
        ("off", false),
        ("'false'", false),
    ] {
        assert_eq!(read(&[("METRICS", text)]).unwrap().observability.metrics, expected, "{text}");
    }
    for text in ["ture", "2", "enabled", "t", "\"true", "truetrue"] {
        assert!(read(&[("METRICS", text)]).is_err(), "{text}");
    }
}

#[test]
fn set_to_nothing_is_not_set() {
    let config = read(&[("APP_PORT", ""), ("ADMIN_TOKEN", "  "), ("DSN", "\"\"")]).unwrap();
    assert_eq!(config.server.listen.port(), 23000);
    assert!(config.admin_token.is_none() && config.stores.dsn.is_none());
}

#[test]
fn the_alias_is_read_when_the_name_is_not_set() {
    assert_eq!(read(&[("MAX_POOL_SIZE", "7")]).unwrap().session_pool.max_size, 7);
    let both = [("MAX_POOL_SIZE", "7"), ("SESSION_POOL_MAX_SIZE", "9")];
    assert_eq!(read(&both).unwrap().session_pool.max_size, 9);
}

#[test]
fn redis_addresses_are_told_apart_by_scheme() {
    for (url, scheme) in [
        ("redis://localhost", RedisScheme::Plain),
        ("rediss://user:pass@r.example:6380/1", RedisScheme::Tls),
        ("redis-sentinel://a:26379?sentinelServiceName=x", RedisScheme::Sentinel),
        ("redis-cluster://a:1,b:2", RedisScheme::Cluster),
    ] {
        let address = read(&[("REDIS_URL", url)]).unwrap().stores.redis.unwrap();
        assert_eq!((address.scheme, address.url.expose()), (scheme, url));
    }
}

#[test]
fn a_master_key_reads_as_hex_and_as_base64_of_any_kind() {
    let bytes = [251; 32];
    for text in
        ["fb".repeat(32), "+/v7".repeat(10) + "+/s=", "-_v7".repeat(10) + "-_s", "+/v7".repeat(10) + "+/s"]
    {
        let key = read(&[("MASTER_KEY", &text)]).unwrap().master_key.unwrap();
        assert_eq!(key.expose(), &bytes, "{text}");
    }
}

#[test]
fn addresses_zones_and_filters_are_typed() {
    let config = read(&[
        ("APP_HOST", "[::1]"),
        ("APP_PORT", "0"),
        ("TZ", "Asia/Shanghai"),
        ("LOG_LEVEL", "warn,hub_proxy=Debug"),
        ("LOG_FORMAT", "json"),
        ("APP_URL", "https://hub.example/base"),
        ("PRICE_SYNC_INTERVAL_SECONDS", "0"),
        ("STORE_SESSION_MESSAGES", "yes"),
    ])
    .unwrap();
    assert_eq!(config.server.listen.to_string(), "[::1]:0");
    assert_eq!(config.server.public_url.unwrap().host_str(), Some("hub.example"));
    assert_eq!(config.observability.time_zone.iana_name(), Some("Asia/Shanghai"));
    assert_eq!(config.observability.log_format, Some(LogFormat::Json));
    assert_eq!(config.accounting.price_sync_interval, None);
    assert_eq!(config.sessions.message_storage, MessageStorage::Full);
}
