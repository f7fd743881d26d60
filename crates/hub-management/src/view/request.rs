//! Request records, as people see them.

use hub_repository::RequestRow;
use hub_types::{
    Attempt, AttemptId, AttemptReason, CostBreakdown, Dialect, Endpoint, ErrorClass, ErrorRuleId, KeyId,
    Money, Multiplier, Outcome, ProviderId, ProviderType, RequestId, StageCount, UsageSource, UserId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::schema;

/// A client request. Ordinary users are not told which provider served them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequestView {
    /// The request; also the `x-request-id` that the client saw.
    #[schema(value_type = uuid::Uuid)]
    pub id: RequestId,
    /// When it came in.
    pub created_at: Timestamp,
    /// Who asked.
    #[schema(value_type = Option<i64>)]
    pub user_id: Option<UserId>,
    /// Their name.
    pub user_name: Option<String>,
    /// With which key.
    #[schema(value_type = Option<i64>)]
    pub key_id: Option<KeyId>,
    /// Its name.
    pub key_name: Option<String>,
    /// The provider that answered, or the last one that failed.
    #[schema(value_type = Option<i64>)]
    pub provider_id: Option<ProviderId>,
    /// Its name at that time.
    pub provider_name: Option<String>,
    /// In which language.
    #[schema(schema_with = schema::dialect)]
    pub dialect: Dialect,
    /// For what.
    #[schema(schema_with = schema::endpoint)]
    pub endpoint: Endpoint,
    /// As a stream?
    pub stream: bool,
    /// The model asked for.
    pub model: Option<String>,
    /// The model sent to the provider.
    pub sent_model: Option<String>,
    /// The status that the client saw; 0 = none.
    pub status: u16,
    /// Stable code of the error, if it was one.
    pub error_code: Option<String>,
    /// In which conversation.
    pub session_id: Option<String>,
    /// Input tokens that no cache served.
    pub input_tokens: u64,
    /// Output tokens, reasoning included.
    pub output_tokens: u64,
    /// Input tokens read from a prompt cache.
    pub cache_read_tokens: u64,
    /// Input tokens written to a five-minute prompt cache.
    pub cache_write_5m_tokens: u64,
    /// Input tokens written to a one-hour prompt cache.
    pub cache_write_1h_tokens: u64,
    /// What it cost.
    #[schema(schema_with = schema::optional_money)]
    pub cost_usd: Option<Money>,
    /// From the request's arrival to its end, ms.
    pub duration_ms: u64,
    /// From the request's arrival to the first content, ms.
    pub ttft_ms: Option<u64>,
}

impl RequestView {
    /// Shows a row; `with_provider` is false for ordinary users.
    pub(crate) fn of(row: &RequestRow, with_provider: bool) -> Self {
        let record = &row.record;
        let last = record.last_attempt();
        let usage = record.usage().unwrap_or_default();
        let provider = last.filter(|_| with_provider);
        Self {
            id: record.id,
            created_at: record.created_at,
            user_id: record.user_id,
            user_name: row.user_name.clone(),
            key_id: record.key_id,
            key_name: row.key_name.clone(),
            provider_id: provider.map(|attempt| attempt.provider_id),
            provider_name: provider.map(|attempt| attempt.provider_name.clone()),
            dialect: record.dialect,
            endpoint: record.endpoint,
            stream: record.stream,
            model: record.model.clone(),
            sent_model: provider.and_then(|attempt| attempt.sent_model.clone()),
            status: record.status,
            error_code: record.error_code.clone(),
            session_id: record.session_id.clone(),
            input_tokens: usage.input,
            output_tokens: usage.output,
            cache_read_tokens: usage.cache_read,
            cache_write_5m_tokens: usage.cache_write_5m,
            cache_write_1h_tokens: usage.cache_write_1h,
            cost_usd: record.cost(),
            duration_ms: record.timings.total_us / 1000,
            ttft_ms: record.timings.first_content_us.map(|us| us / 1000),
        }
    }
}

/// One try of one provider. Provider, host and error are null for ordinary users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttemptView {
    /// The attempt; also its ledger line.
    #[schema(value_type = uuid::Uuid)]
    pub id: AttemptId,
    /// Who was tried.
    #[schema(value_type = Option<i64>)]
    pub provider_id: Option<ProviderId>,
    /// Its name at that time.
    pub provider_name: Option<String>,
    /// Its type at that time.
    #[schema(value_type = Option<String>)]
    pub provider_type: Option<ProviderType>,
    /// Why it was tried.
    #[schema(schema_with = schema::attempt_reason)]
    pub reason: AttemptReason,
    /// Its priority in the choice.
    pub priority: i32,
    /// Its weight in the choice.
    pub weight: u32,
    /// How likely the choice was, in millionths.
    pub probability_ppm: u32,
    /// The provider's circuit breaker was half-open, and this the trial; else it was closed.
    #[serde(default)]
    pub is_trial: bool,
    /// Host and port of the upstream.
    pub host: Option<String>,
    /// The model that was sent.
    pub sent_model: Option<String>,
    /// The model that the upstream named.
    pub upstream_model: Option<String>,
    /// The upstream's status, if it gave one.
    pub status: Option<u16>,
    /// What kind of failure, if it was one.
    #[schema(value_type = Option<String>)]
    pub class: Option<ErrorClass>,
    /// The error rule that says so, if it was one.
    #[schema(value_type = Option<i64>)]
    #[serde(default)]
    pub error_rule_id: Option<ErrorRuleId>,
    /// The failure in words, redacted.
    pub error: Option<String>,
    /// From the request's arrival until the hub turned to this provider, ms.
    #[serde(default)]
    pub queued_ms: u64,
    /// Until the request went out on a connection, ms.
    #[serde(default)]
    pub connected_ms: Option<u64>,
    /// Until the first byte of an answer, ms.
    pub first_byte_ms: Option<u64>,
    /// Until the first content, ms.
    pub ttft_ms: Option<u64>,
    /// Until its end, ms.
    pub duration_ms: u64,
    /// Input tokens that no cache served; null = nothing is billed.
    pub input_tokens: Option<u64>,
    /// Output tokens, reasoning included.
    pub output_tokens: Option<u64>,
    /// Reasoning tokens, a part of the output.
    pub reasoning_tokens: Option<u64>,
    /// Input tokens read from a prompt cache.
    pub cache_read_tokens: Option<u64>,
    /// Input tokens written to a five-minute prompt cache.
    pub cache_write_5m_tokens: Option<u64>,
    /// Input tokens written to a one-hour prompt cache.
    pub cache_write_1h_tokens: Option<u64>,
    /// `reported` by the upstream or `estimated`.
    #[schema(value_type = Option<String>)]
    pub usage_source: Option<UsageSource>,
    /// What it cost.
    #[schema(schema_with = schema::optional_money)]
    pub cost_usd: Option<Money>,
    /// The provider's factor on the price.
    #[schema(schema_with = schema::multiplier)]
    pub provider_multiplier: Multiplier,
    /// The group's factor on the price.
    #[schema(schema_with = schema::multiplier)]
    pub group_multiplier: Multiplier,
}

impl AttemptView {
    fn of(attempt: &Attempt, with_provider: bool) -> Self {
        let shown = Some(attempt).filter(|_| with_provider);
        let usage = attempt.usage;
        Self {
            id: attempt.id,
            provider_id: shown.map(|shown| shown.provider_id),
            provider_name: shown.map(|shown| shown.provider_name.clone()),
            provider_type: shown.map(|shown| shown.provider_type),
            reason: attempt.reason,
            priority: attempt.priority,
            weight: attempt.weight,
            probability_ppm: attempt.probability_ppm,
            is_trial: shown.is_some_and(|shown| shown.is_trial),
            host: shown.map(|shown| shown.host.clone()),
            sent_model: shown.and_then(|shown| shown.sent_model.clone()),
            upstream_model: shown.and_then(|shown| shown.upstream_model.clone()),
            status: attempt.status,
            class: attempt.class,
            error_rule_id: shown.and_then(|shown| shown.error_rule_id),
            queued_ms: attempt.timings.queued_us / 1000,
            error: shown.and_then(|shown| shown.error.clone()),
            connected_ms: attempt.timings.connected_us.map(|us| us / 1000),
            first_byte_ms: attempt.timings.first_byte_us.map(|us| us / 1000),
            ttft_ms: attempt.timings.first_content_us.map(|us| us / 1000),
            duration_ms: attempt.timings.total_us / 1000,
            input_tokens: usage.map(|usage| usage.input),
            output_tokens: usage.map(|usage| usage.output),
            reasoning_tokens: usage.map(|usage| usage.reasoning),
            cache_read_tokens: usage.map(|usage| usage.cache_read),
            cache_write_5m_tokens: usage.map(|usage| usage.cache_write_5m),
            cache_write_1h_tokens: usage.map(|usage| usage.cache_write_1h),
            usage_source: attempt.usage_source,
            cost_usd: attempt.cost,
            provider_multiplier: attempt.provider_multiplier,
            group_multiplier: attempt.group_multiplier,
        }
    }
}

/// How many providers one stage of the choice let through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StageView {
    /// The stage.
    pub stage: String,
    /// How many were left after it.
    pub left: u32,
}

impl From<&StageCount> for StageView {
    fn from(count: &StageCount) -> Self {
        Self { stage: count.stage.clone().into_owned(), left: count.left }
    }
}

/// What a request cost, line by line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CostBreakdownView {
    /// Fresh input.
    #[schema(schema_with = schema::money)]
    pub input: Money,
    /// Output.
    #[schema(schema_with = schema::money)]
    pub output: Money,
    /// Cache reads.
    #[schema(schema_with = schema::money)]
    pub cache_read: Money,
    /// Cache writes, five minutes.
    #[schema(schema_with = schema::money)]
    pub cache_write_5m: Money,
    /// Cache writes, one hour.
    #[schema(schema_with = schema::money)]
    pub cache_write_1h: Money,
    /// Everything that is not counted in tokens.
    #[schema(schema_with = schema::money)]
    pub other: Money,
}

impl From<CostBreakdown> for CostBreakdownView {
    fn from(cost: CostBreakdown) -> Self {
        Self {
            input: cost.input,
            output: cost.output,
            cache_read: cost.cache_read,
            cache_write_5m: cost.cache_write_5m,
            cache_write_1h: cost.cache_write_1h,
            other: cost.other,
        }
    }
}

/// A client request with its decision chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequestDetailView {
    /// What the list shows of it.
    #[serde(flatten)]
    pub request: RequestView,
    /// How it ended.
    #[schema(schema_with = schema::outcome)]
    pub outcome: Outcome,
    /// The error in words, redacted.
    pub error_message: Option<String>,
    /// The how-manieth request of its conversation.
    pub session_sequence: Option<u64>,
    /// The client program.
    pub client_name: Option<String>,
    /// Its version.
    pub client_version: Option<String>,
    /// From where it came.
    pub client_address: Option<String>,
    /// The tries, in order.
    pub attempts: Vec<AttemptView>,
    /// How many providers each stage of the choice left; empty for ordinary users.
    pub stages: Vec<StageView>,
    /// The cost line by line; null = unknown or none.
    pub cost_breakdown: Option<CostBreakdownView>,
    /// What the translation into the provider's dialect could not carry: codes, some with a detail behind a colon.
    pub loss: Vec<String>,
}

impl RequestDetailView {
    pub(crate) fn of(row: &RequestRow, with_provider: bool) -> Self {
        let record = &row.record;
        let stages = record.stages.iter().filter(|_| with_provider);
        Self {
            request: RequestView::of(row, with_provider),
            outcome: record.outcome,
            error_message: record.error_message.clone(),
            session_sequence: record.session_sequence,
            client_name: record.client.name.clone(),
            client_version: record.client.version.clone(),
            client_address: record.client_address.map(|address| address.to_string()),
            attempts: record.attempts.iter().map(|attempt| AttemptView::of(attempt, with_provider)).collect(),
            stages: stages.map(StageView::from).collect(),
            cost_breakdown: record.cost_breakdown().map(Into::into),
            loss: record.loss.clone(),
        }
    }
}
