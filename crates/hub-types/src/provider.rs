//! Providers: the vendor accounts and relays that serve requests.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Time;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Dialect, GroupSet, ModelRedirect, ModelRule, MoneyLimits, Multiplier, ProviderId, Secret};

/// What kind of account a provider is: decides its dialect and where its credential goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderType {
    /// Claude Messages, credential in `x-api-key`.
    Claude,
    /// Claude Messages, credential as a bearer token.
    ClaudeAuth,
    /// OpenAI Responses.
    Codex,
    /// OpenAI Chat Completions.
    #[serde(rename = "openai-compatible")]
    OpenAiCompatible,
    /// Gemini with an API key.
    Gemini,
    /// Google Code Assist with an OAuth access token.
    GeminiCli,
}

/// No provider type has this name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "unknown provider type `{0}`: one of claude, claude-auth, codex, openai-compatible, gemini, gemini-cli"
)]
pub struct UnknownProviderType(pub String);

impl ProviderType {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Claude, Self::ClaudeAuth, Self::Codex, Self::OpenAiCompatible, Self::Gemini, Self::GeminiCli];

    /// The stable word used in the database, in JSON and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::ClaudeAuth => "claude-auth",
            Self::Codex => "codex",
            Self::OpenAiCompatible => "openai-compatible",
            Self::Gemini => "gemini",
            Self::GeminiCli => "gemini-cli",
        }
    }

    /// The dialect that it speaks natively.
    pub const fn dialect(self) -> Dialect {
        match self {
            Self::Claude | Self::ClaudeAuth => Dialect::Claude,
            Self::Codex => Dialect::Responses,
            Self::OpenAiCompatible => Dialect::OpenAi,
            Self::Gemini => Dialect::Gemini,
            Self::GeminiCli => Dialect::GeminiCli,
        }
    }
}

impl fmt::Display for ProviderType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ProviderType {
    type Err = UnknownProviderType;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownProviderType(text.to_owned()))
    }
}

/// May the provider serve clients of another dialect?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conversion {
    /// Yes, if no provider of the client's own dialect is left.
    #[default]
    Auto,
    /// No.
    Never,
}

/// When do sessions return to this provider after it recovered?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailBack {
    /// Never: the other provider's cache is warm.
    Never,
    /// With the next request after the prompt cache's life time.
    #[default]
    WhenIdle,
    /// With the next request.
    AtOnce,
}

/// What happens upstream when the client hangs up in mid-answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAbortPolicy {
    /// Read on for a while, to learn what was used.
    #[default]
    Drain,
    /// Hang up, too.
    Cancel,
}

/// Deadlines of a provider in milliseconds; 0 = none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Timeouts {
    /// Request sent until first content, for streams (1–180 s).
    #[serde(rename = "timeout_first_byte")]
    pub first_byte_ms: u32,
    /// Between two pieces of a stream (1–600 s).
    #[serde(rename = "timeout_idle")]
    pub idle_ms: u32,
    /// The whole call, for answers in one piece (1–1800 s).
    #[serde(rename = "timeout_request")]
    pub request_ms: u32,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { first_byte_ms: 30_000, idle_ms: 60_000, request_ms: 120_000 }
    }
}

/// A vendor account or relay. Secrets are in clear here: this type is for the inside of the hub and has no
/// serialisation of its own; what people see is made in hub-management.
#[derive(Debug, Clone)]
pub struct Provider {
    /// The row.
    pub id: ProviderId,
    /// Unique among the living.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Base URL: http or https.
    pub url: String,
    /// What kind of account.
    pub provider_type: ProviderType,
    /// The vendor's key or token.
    pub credential: Secret,
    /// Takes part in choosing.
    pub is_enabled: bool,
    /// Smaller is better.
    pub priority: i32,
    /// Priority for some groups only, by group name.
    pub group_priorities: BTreeMap<String, i32>,
    /// Share among equals, 0–1000.
    pub weight: u32,
    /// Whom it serves.
    pub group_tag: GroupSet,
    /// Factor on the price.
    pub cost_multiplier: Multiplier,
    /// Models it serves; empty = all.
    pub allowed_models: Vec<ModelRule>,
    /// Models it serves under another name; first match wins.
    pub model_redirects: Vec<ModelRedirect>,
    /// Client names it serves; empty = all.
    pub allowed_clients: Vec<String>,
    /// Client names it does not serve.
    pub blocked_clients: Vec<String>,
    /// Start of its daily active time, in the system zone.
    pub active_time_start: Option<Time>,
    /// End of its daily active time; before the start = over midnight.
    pub active_time_end: Option<Time>,
    /// May it serve other dialects?
    pub conversion: Conversion,
    /// Money limits (`cost_reset_at` is the column `total_cost_reset_at`).
    pub limits: MoneyLimits,
    /// Sessions at once; `None` or 0 = no limit.
    pub limit_concurrent_sessions: Option<u32>,
    /// Own session binding life time in seconds.
    pub session_ttl: Option<u32>,
    /// Do sessions come back after a failure?
    pub fail_back: FailBack,
    /// Same-provider tries after a connection error.
    pub max_retry_attempts: u32,
    /// Counted failures in a row that open the breaker; 0 = never.
    pub failure_threshold: u32,
    /// How long the breaker stays open, ms.
    pub open_duration_ms: u64,
    /// Successes that close it again.
    pub half_open_success_threshold: u32,
    /// The proxy to go through; may hold a password.
    pub proxy_url: Option<Secret>,
    /// Go direct once if the proxy fails.
    pub proxy_fallback_to_direct: bool,
    /// Headers added to each request.
    pub custom_headers: BTreeMap<String, String>,
    /// Deadlines.
    pub timeouts: Timeouts,
    /// Start a second provider after this time without content, ms (100–180000); `None` or 0 = never.
    pub hedge_after_ms: Option<u32>,
    /// What to do when the client hangs up.
    pub on_client_abort: ClientAbortPolicy,
    /// `keep`, `auto` or `force`.
    pub codex_instructions: String,
    /// The text for the above.
    pub codex_instructions_text: Option<String>,
    /// Raised by every edit that drops session bindings.
    pub generation: i64,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row last changed.
    pub updated_at: Timestamp,
}

impl Provider {
    /// A provider with the defaults of the data model: everything that is not named here.
    pub fn new(
        id: ProviderId,
        name: &str,
        url: &str,
        provider_type: ProviderType,
        credential: Secret,
    ) -> Self {
        Self {
            id,
            name: name.to_owned(),
            description: String::new(),
            url: url.to_owned(),
            provider_type,
            credential,
            is_enabled: true,
            priority: 0,
            group_priorities: BTreeMap::new(),
            weight: 1,
            group_tag: GroupSet::default(),
            cost_multiplier: Multiplier::ONE,
            allowed_models: Vec::new(),
            model_redirects: Vec::new(),
            allowed_clients: Vec::new(),
            blocked_clients: Vec::new(),
            active_time_start: None,
            active_time_end: None,
            conversion: Conversion::Auto,
            limits: MoneyLimits::default(),
            limit_concurrent_sessions: None,
            session_ttl: None,
            fail_back: FailBack::WhenIdle,
            max_retry_attempts: 1,
            failure_threshold: 5,
            open_duration_ms: 1_800_000,
            half_open_success_threshold: 2,
            proxy_url: None,
            proxy_fallback_to_direct: false,
            custom_headers: BTreeMap::new(),
            timeouts: Timeouts::default(),
            hedge_after_ms: None,
            on_client_abort: ClientAbortPolicy::Drain,
            codex_instructions: "keep".to_owned(),
            codex_instructions_text: None,
            generation: 0,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }
}

/// A named group of providers with a price factor of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderGroup {
    /// The group's name, as written in `group_tag` and `provider_group`.
    pub name: String,
    /// Factor on the price for requests of this group.
    pub cost_multiplier: Multiplier,
    /// Free text.
    pub description: String,
}
