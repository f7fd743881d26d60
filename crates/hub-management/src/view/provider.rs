//! Providers, as people see and write them.

use std::collections::BTreeMap;

use hub_types::{
    ClientAbortPolicy, Conversion, FailBack, GroupSet, MatchKind, ModelRedirect, ModelRule, Multiplier,
    Provider, ProviderId, ProviderType, Secret, Timeouts,
};
use jiff::Timestamp;
use jiff::civil::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{LimitFields, WriteOnly};
use crate::draft::Columns;
use crate::proxy_url::mask_proxy_url;
use crate::schema;

/// An entry of `allowed_models`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleView {
    /// How `pattern` is compared.
    #[serde(rename = "match")]
    #[schema(schema_with = schema::match_kind)]
    pub kind: MatchKind,
    /// What is compared.
    pub pattern: String,
}

/// An entry of `model_redirects`: a request for `source` is sent as `target`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedirectView {
    /// How `source` is compared with the requested model.
    #[serde(rename = "match")]
    #[schema(schema_with = schema::match_kind)]
    pub kind: MatchKind,
    /// What is compared.
    pub source: String,
    /// The model to send instead.
    pub target: String,
}

/// The columns of a provider that people write. A creation needs `name`, `url` and `provider_type`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ProviderFields {
    /// Unique among the living.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Base URL: http or https.
    pub url: String,
    /// What kind of account: decides the dialect and where the credential goes.
    #[schema(schema_with = schema::provider_type)]
    pub provider_type: ProviderType,
    /// The vendor's key or token.
    #[schema(schema_with = schema::write_only_secret)]
    pub credential: Option<WriteOnly>,
    /// Takes part in choosing.
    pub is_enabled: bool,
    /// Smaller is better.
    pub priority: i32,
    /// Priority for some groups only, by group name.
    pub group_priorities: BTreeMap<String, i32>,
    /// Share among equals, 0–1000.
    pub weight: u32,
    /// Comma list of the groups that it serves; empty = `default`.
    pub group_tag: String,
    /// Factor on the price.
    #[schema(schema_with = schema::multiplier)]
    pub cost_multiplier: Multiplier,
    /// Models it serves; empty = all.
    pub allowed_models: Vec<RuleView>,
    /// Models it serves under another name; the first match wins.
    pub model_redirects: Vec<RedirectView>,
    /// Client programs it serves; empty = all.
    pub allowed_clients: Vec<String>,
    /// Client programs it does not serve.
    pub blocked_clients: Vec<String>,
    /// Start of its daily active time.
    #[schema(schema_with = schema::optional_time_of_day)]
    pub active_time_start: Option<Time>,
    /// End of its daily active time; before the start = over midnight.
    #[schema(schema_with = schema::optional_time_of_day)]
    pub active_time_end: Option<Time>,
    /// May it serve other dialects?
    #[schema(schema_with = schema::conversion)]
    pub conversion: Conversion,
    /// Money limits.
    #[serde(flatten)]
    pub limits: LimitFields,
    /// Sessions at once; null or 0 = no limit.
    pub limit_concurrent_sessions: Option<u32>,
    /// Own life time of session bindings, seconds.
    pub session_ttl: Option<u32>,
    /// When do sessions come back after it recovered?
    #[schema(schema_with = schema::fail_back)]
    pub fail_back: FailBack,
    /// Same-provider tries after a connection error.
    pub max_retry_attempts: u32,
    /// Counted failures in a row that open the breaker; 0 = never.
    pub failure_threshold: u32,
    /// How long the breaker stays open, ms.
    pub open_duration_ms: u64,
    /// Successes that close it again.
    pub half_open_success_threshold: u32,
    /// The proxy to go through: http, https, socks5 or socks5h. Its password is read back as `***`.
    pub proxy_url: Option<String>,
    /// Go direct once if the proxy fails.
    pub proxy_fallback_to_direct: bool,
    /// Headers added to each request.
    pub custom_headers: BTreeMap<String, String>,
    /// Request sent until first content of a stream, ms: 1000–180000, 0 = none.
    pub timeout_first_byte: u32,
    /// Between two pieces of a stream, ms: 1000–600000, 0 = none.
    pub timeout_idle: u32,
    /// The whole call for answers in one piece, ms: 1000–1800000, 0 = none.
    pub timeout_request: u32,
    /// Start a second provider after this time without content of a stream, ms: 100–180000, 0 or null = never.
    pub hedge_after_ms: Option<u32>,
    /// What happens upstream when the client hangs up.
    #[schema(schema_with = schema::client_abort)]
    pub on_client_abort: ClientAbortPolicy,
    /// What to do with a Codex request's instructions.
    #[schema(schema_with = schema::codex_instructions)]
    pub codex_instructions: String,
    /// The text for the above.
    pub codex_instructions_text: Option<String>,
}

impl Default for ProviderFields {
    fn default() -> Self {
        let blank = Secret::new("");
        Self::from(&Provider::new(ProviderId(0), "", "", ProviderType::Claude, blank))
    }
}

impl Columns for ProviderFields {
    const REQUIRED: &'static [&'static str] = &["name", "url", "provider_type"];
    const SECRET: &'static [&'static str] = &["credential", "proxy_url", "custom_headers"];
    const READ_ONLY: &'static [&'static str] =
        &["id", "generation", "total_cost_reset_at", "created_at", "updated_at"];
}

impl From<&Provider> for ProviderFields {
    /// Secrets come out masked.
    fn from(provider: &Provider) -> Self {
        let rule = |rule: &ModelRule| RuleView { kind: rule.kind, pattern: rule.pattern.clone() };
        let redirect = |rule: &ModelRedirect| RedirectView {
            kind: rule.kind,
            source: rule.source.clone(),
            target: rule.target.clone(),
        };
        Self {
            name: provider.name.clone(),
            description: provider.description.clone(),
            url: provider.url.clone(),
            provider_type: provider.provider_type,
            credential: WriteOnly::of(&provider.credential),
            is_enabled: provider.is_enabled,
            priority: provider.priority,
            group_priorities: provider.group_priorities.clone(),
            weight: provider.weight,
            group_tag: provider.group_tag.clone().into(),
            cost_multiplier: provider.cost_multiplier,
            allowed_models: provider.allowed_models.iter().map(rule).collect(),
            model_redirects: provider.model_redirects.iter().map(redirect).collect(),
            allowed_clients: provider.allowed_clients.clone(),
            blocked_clients: provider.blocked_clients.clone(),
            active_time_start: provider.active_time_start,
            active_time_end: provider.active_time_end,
            conversion: provider.conversion,
            limits: LimitFields::from(&provider.limits),
            limit_concurrent_sessions: provider.limit_concurrent_sessions,
            session_ttl: provider.session_ttl,
            fail_back: provider.fail_back,
            max_retry_attempts: provider.max_retry_attempts,
            failure_threshold: provider.failure_threshold,
            open_duration_ms: provider.open_duration_ms,
            half_open_success_threshold: provider.half_open_success_threshold,
            proxy_url: provider.proxy_url.as_ref().map(|url| mask_proxy_url(url.expose())),
            proxy_fallback_to_direct: provider.proxy_fallback_to_direct,
            custom_headers: provider.custom_headers.clone(),
            timeout_first_byte: provider.timeouts.first_byte_ms,
            timeout_idle: provider.timeouts.idle_ms,
            timeout_request: provider.timeouts.request_ms,
            hedge_after_ms: provider.hedge_after_ms,
            on_client_abort: provider.on_client_abort,
            codex_instructions: provider.codex_instructions.clone(),
            codex_instructions_text: provider.codex_instructions_text.clone(),
        }
    }
}

impl ProviderFields {
    /// Writes these columns into a row, all but the secrets `credential` and `proxy_url`.
    pub(crate) fn write_to(self, provider: &mut Provider) {
        provider.name = self.name;
        provider.description = self.description;
        provider.url = self.url;
        provider.provider_type = self.provider_type;
        provider.is_enabled = self.is_enabled;
        provider.priority = self.priority;
        provider.group_priorities = self.group_priorities;
        provider.weight = self.weight;
        provider.group_tag = GroupSet::parse(&self.group_tag);
        provider.cost_multiplier = self.cost_multiplier;
        let rule = |rule: RuleView| ModelRule { kind: rule.kind, pattern: rule.pattern };
        provider.allowed_models = self.allowed_models.into_iter().map(rule).collect();
        let redirect =
            |rule: RedirectView| ModelRedirect { kind: rule.kind, source: rule.source, target: rule.target };
        provider.model_redirects = self.model_redirects.into_iter().map(redirect).collect();
        provider.allowed_clients = self.allowed_clients;
        provider.blocked_clients = self.blocked_clients;
        provider.active_time_start = self.active_time_start;
        provider.active_time_end = self.active_time_end;
        provider.conversion = self.conversion;
        provider.limits = self.limits.with_reset(provider.limits.cost_reset_at);
        provider.limit_concurrent_sessions = self.limit_concurrent_sessions;
        provider.session_ttl = self.session_ttl;
        provider.fail_back = self.fail_back;
        provider.max_retry_attempts = self.max_retry_attempts;
        provider.failure_threshold = self.failure_threshold;
        provider.open_duration_ms = self.open_duration_ms;
        provider.half_open_success_threshold = self.half_open_success_threshold;
        provider.proxy_fallback_to_direct = self.proxy_fallback_to_direct;
        provider.custom_headers = self.custom_headers;
        provider.timeouts = Timeouts {
            first_byte_ms: self.timeout_first_byte,
            idle_ms: self.timeout_idle,
            request_ms: self.timeout_request,
        };
        provider.hedge_after_ms = self.hedge_after_ms;
        provider.on_client_abort = self.on_client_abort;
        provider.codex_instructions = self.codex_instructions;
        provider.codex_instructions_text = self.codex_instructions_text;
    }
}

/// A provider. Its secrets are masked.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProviderView {
    /// The row.
    #[schema(value_type = i64)]
    pub id: ProviderId,
    /// What people write.
    #[serde(flatten)]
    pub fields: ProviderFields,
    /// Charges before this moment no longer count.
    pub total_cost_reset_at: Option<Timestamp>,
    /// Raised by every edit that drops session bindings.
    pub generation: i64,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row last changed.
    pub updated_at: Timestamp,
}

impl From<&Provider> for ProviderView {
    fn from(provider: &Provider) -> Self {
        Self {
            id: provider.id,
            fields: ProviderFields::from(provider),
            total_cost_reset_at: provider.limits.cost_reset_at,
            generation: provider.generation,
            created_at: provider.created_at,
            updated_at: provider.updated_at,
        }
    }
}
