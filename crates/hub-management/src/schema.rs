//! How types of other crates look in the OpenAPI document.

use hub_rate_limit::LimitType;
use hub_types::{Dialect, Endpoint, ErrorClass, ErrorRule, Outcome, ProviderType, TextMatch, WebhookKind};
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words.into_iter().map(str::to_owned).collect::<Vec<_>>()))
        .build()
}

fn nullable(kind: Type, description: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([kind, Type::Null]))
        .description(Some(description))
        .build()
}

pub(crate) fn role() -> Object {
    words(["admin", "user"])
}

pub(crate) fn permission() -> Object {
    words(["all", "claude", "openai", "responses", "gemini"])
}

pub(crate) fn provider_type() -> Object {
    words(ProviderType::ALL.map(ProviderType::as_str))
}

pub(crate) fn optional_provider_type() -> Object {
    let words = ProviderType::ALL.map(|kind| serde_json::Value::from(kind.as_str()));
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .enum_values(Some(words.into_iter().chain([serde_json::Value::Null])))
        .build()
}

pub(crate) fn dialect() -> Object {
    words(Dialect::ALL.map(Dialect::as_str))
}

pub(crate) fn endpoint() -> Object {
    words(Endpoint::ALL.map(Endpoint::as_str))
}

pub(crate) fn outcome() -> Object {
    words(Outcome::ALL.map(Outcome::as_str))
}

pub(crate) fn status_class() -> Object {
    words(["ok", "client_error", "server_error"])
}

pub(crate) fn group_by() -> Object {
    words(["total", "user", "key", "provider", "model"])
}

pub(crate) fn reset_mode() -> Object {
    words(["fixed", "rolling"])
}

pub(crate) fn conversion() -> Object {
    words(["auto", "never"])
}

pub(crate) fn fail_back() -> Object {
    words(["never", "when_idle", "at_once"])
}

pub(crate) fn client_abort() -> Object {
    words(["drain", "cancel"])
}

pub(crate) fn codex_instructions() -> Object {
    words(["keep", "auto", "force"])
}

pub(crate) fn match_kind() -> Object {
    words(["exact", "prefix", "suffix", "contains", "regex"])
}

pub(crate) fn text_match() -> Object {
    words(TextMatch::ALL.map(TextMatch::as_str))
}

pub(crate) fn rule_class() -> Object {
    words(ErrorRule::CLASSES.map(ErrorClass::as_str))
}

pub(crate) fn optional_status_match() -> Object {
    nullable(Type::String, "A status (numbers are accepted), or 2xx, 3xx, 4xx or 5xx; null = any")
}

pub(crate) fn sample_body() -> Object {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(Some("JSON or a text")).build()
}

pub(crate) fn attempt_reason() -> Object {
    words([
        "session_reuse",
        "initial_selection",
        "retry_failed",
        "failover",
        "concurrent_limit_failed",
        "hedge_launched",
        "hedge_won",
        "hedge_lost",
    ])
}

pub(crate) fn webhook_kind() -> Object {
    words(WebhookKind::ALL.map(WebhookKind::as_str))
}

pub(crate) fn store_state() -> Object {
    words(["up", "degraded", "down"])
}

pub(crate) fn optional_dialect() -> Object {
    nullable(Type::String, "The dialect's name; null = unknown")
}

pub(crate) fn kept_message() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::AnyValue)
        .description(Some("JSON or a text, as kept by STORE_SESSION_MESSAGES; null = nothing is kept"))
        .build()
}

pub(crate) fn limit() -> Object {
    nullable(Type::String, "US dollars as a decimal string (numbers are accepted); null or 0 = no limit")
}

pub(crate) fn limit_type() -> Object {
    words(LimitType::ALL.map(LimitType::as_str))
}

/// The same, and that of concurrent sessions.
pub(crate) fn refusing_limit() -> Object {
    words(crate::params::RefusingLimit::all().map(crate::params::RefusingLimit::as_str))
}

pub(crate) fn quantity() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Integer]))
        .description(Some("US dollars as a decimal string; requests and tokens as a number"))
        .build()
}

pub(crate) fn optional_money() -> Object {
    nullable(Type::String, "US dollars as a decimal string; null = the model has no known price")
}

pub(crate) fn money() -> Object {
    ObjectBuilder::new().schema_type(Type::String).description(Some("US dollars as a decimal string")).build()
}

pub(crate) fn multiplier() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("A factor from 0 to 1000 as a decimal string (numbers are accepted)"))
        .build()
}

pub(crate) fn time_of_day() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("A wall-clock time in the system zone: HH:MM or HH:MM:SS"))
        .build()
}

pub(crate) fn optional_time_of_day() -> Object {
    nullable(Type::String, "A wall-clock time in the system zone: HH:MM or HH:MM:SS")
}

pub(crate) fn write_only_secret() -> Object {
    nullable(Type::String, "Written in full; read as `…` and its last four characters; null = none")
}

pub(crate) fn json() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::AnyValue)
        .description(Some("The row as JSON, without secrets"))
        .build()
}
