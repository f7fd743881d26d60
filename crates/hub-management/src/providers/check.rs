//! What a provider's columns may hold.

use std::ops::RangeInclusive;

use hub_routing::check_provider_url;
use hub_types::{MatchKind, ProxyUrl, Secret};

use crate::Result;
use crate::validate::Faults;
use crate::view::ProviderFields;

/// Headers that belong to the connection or are computed: nobody sets them by hand.
const RESERVED_HEADERS: [&str; 10] = [
    "connection",
    "content-encoding",
    "content-length",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// When a second provider may be started beside one without content: not while the first has hardly been asked, and
/// not later than the longest wait for first content.
const HEDGE_AFTER_MS: RangeInclusive<u32> = 100..=180_000;

/// Checks everything that the types leave open.
pub(super) fn check(
    fields: &ProviderFields,
    credential: &Secret,
    proxy_url: Option<&Secret>,
    allow_private: bool,
) -> Result<()> {
    let mut faults = Faults::default();
    faults.name("name", &fields.name);
    faults.text("description", &fields.description);
    if let Err(refused) = check_provider_url(&fields.url, allow_private) {
        faults.add("url", refused.to_string());
    }
    let one_line = !credential.expose().chars().any(|c| c.is_control() || c.is_whitespace());
    faults.check(one_line, "credential", "must not hold spaces or line breaks");
    check_choosing(&mut faults, fields);
    fields.limits.check(&mut faults);
    faults.check(fields.session_ttl != Some(0), "session_ttl", "must be at least 1 second");
    faults.check(fields.max_retry_attempts <= 10, "max_retry_attempts", "must be from 0 to 10");
    let open_ms = (1000..=86_400_000).contains(&fields.open_duration_ms);
    faults.check(open_ms, "open_duration_ms", "must be from 1000 to 86400000");
    let successes = (1..=100).contains(&fields.half_open_success_threshold);
    faults.check(successes, "half_open_success_threshold", "must be from 1 to 100");
    if let Some(Err(error)) = proxy_url.map(|url| url.expose().parse::<ProxyUrl>()) {
        faults.add("proxy_url", error.to_string());
    }
    headers(&mut faults, fields);
    deadline(&mut faults, "timeout_first_byte", fields.timeout_first_byte, 180_000);
    deadline(&mut faults, "timeout_idle", fields.timeout_idle, 600_000);
    deadline(&mut faults, "timeout_request", fields.timeout_request, 1_800_000);
    let hedge = fields.hedge_after_ms.is_none_or(|ms| ms == 0 || HEDGE_AFTER_MS.contains(&ms));
    faults.check(hedge, "hedge_after_ms", "must be 0 (never) or from 100 to 180000 ms");
    let known = matches!(fields.codex_instructions.as_str(), "keep" | "auto" | "force");
    faults.check(known, "codex_instructions", "must be keep, auto or force");
    faults.text("codex_instructions_text", fields.codex_instructions_text.as_deref().unwrap_or_default());
    faults.into_result()
}

/// Checks the columns that choosing goes by.
pub(crate) fn check_choosing(faults: &mut Faults, fields: &ProviderFields) {
    faults.check(fields.weight <= 1000, "weight", "must be from 0 to 1000");
    faults.groups("group_tag", &fields.group_tag);
    let priorities: Vec<_> = fields.group_priorities.keys().cloned().collect();
    faults.names("group_priorities", &priorities);
    rules(faults, fields);
    faults.names("allowed_clients", &fields.allowed_clients);
    faults.names("blocked_clients", &fields.blocked_clients);
    let whole_window = fields.active_time_start.is_some() == fields.active_time_end.is_some();
    faults.check(whole_window, "active_time_end", "start and end of the active time go together");
}

fn deadline(faults: &mut Faults, field: &str, ms: u32, most: u32) {
    let holds = ms == 0 || (1000..=most).contains(&ms);
    faults.check(holds, field, &format!("must be 0 (none) or from 1000 to {most} ms"));
}

fn rules(faults: &mut Faults, fields: &ProviderFields) {
    let allowed = fields.allowed_models.iter().map(|rule| ("allowed_models", rule.kind, &rule.pattern));
    let redirects = fields.model_redirects.iter().map(|rule| ("model_redirects", rule.kind, &rule.source));
    for (field, kind, pattern) in allowed.chain(redirects) {
        if kind == MatchKind::Regex {
            faults.regex(field, pattern);
        }
        faults.names(field, std::slice::from_ref(pattern));
    }
    for redirect in &fields.model_redirects {
        faults.names("model_redirects", std::slice::from_ref(&redirect.target));
    }
    faults.check(fields.allowed_models.len() <= 1000, "allowed_models", "has more than 1000 entries");
    faults.check(fields.model_redirects.len() <= 1000, "model_redirects", "has more than 1000 entries");
}

fn headers(faults: &mut Faults, fields: &ProviderFields) {
    faults.check(fields.custom_headers.len() <= 50, "custom_headers", "has more than 50 entries");
    for (name, value) in &fields.custom_headers {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || name.len() > 200 || !name.bytes().all(token) {
            faults.add("custom_headers", "a header's name is made of letters, digits and dashes");
        } else if RESERVED_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            faults.add("custom_headers", format!("`{name}` is set by the hub itself"));
        }
        // The value may be a credential: it is not repeated.
        let printable = value.len() <= 8192 && value.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        faults.check(
            printable,
            "custom_headers",
            "a header's value is printable ASCII of at most 8192 bytes",
        );
    }
}
