//! The record of a request: what happened, who served it, what it cost.
//!
//! These types are what the journal writes and what the database is filled from, so their serialised form
//! must stay readable by later versions: add fields with defaults, rename nothing. What is not there is left
//! out: the journal takes every record.

mod cost;
mod ledger;

use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::AddAssign;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    AttemptId, Dialect, Endpoint, ErrorRuleId, KeyId, Money, Multiplier, ProviderId, ProviderType, RequestId,
    RoutingRecord, Usage, UsageSource, UserId,
};

pub use cost::CostBreakdown;
pub use ledger::LedgerLine;

/// Written at admission, before anything goes upstream, so that a crash leaves a trace of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRequest {
    /// The request.
    pub id: RequestId,
    /// When it came in.
    pub created_at: Timestamp,
    /// Who asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// With which key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<KeyId>,
    /// In which language.
    pub dialect: Dialect,
    /// For what.
    pub endpoint: Endpoint,
    /// As a stream?
    pub stream: bool,
    /// For which model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// In which conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
}

impl OpenRequest {
    /// The record of a request that the hub did not live to settle.
    pub fn interrupted(self) -> RequestRecord {
        RequestRecord {
            user_id: self.user_id,
            key_id: self.key_id,
            stream: self.stream,
            model: self.model,
            session_id: self.session_id,
            error_code: Some("interrupted".to_owned()),
            ..RequestRecord::new(self.id, self.created_at, self.dialect, self.endpoint, Outcome::Interrupted)
        }
    }
}

/// How a request ended. Every request has exactly one outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Answered in full.
    Completed,
    /// Turned away by the hub before a provider was asked.
    Refused,
    /// A provider was asked, and the answer is an error.
    Failed,
    /// The client hung up first.
    ClientAborted,
    /// The provider stopped in the middle of its answer.
    UpstreamTruncated,
    /// The hub died with the request in flight.
    Interrupted,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Completed,
        Self::Refused,
        Self::Failed,
        Self::ClientAborted,
        Self::UpstreamTruncated,
        Self::Interrupted,
    ];

    /// The stable word used in the database, in JSON and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::ClientAborted => "client_aborted",
            Self::UpstreamTruncated => "upstream_truncated",
            Self::Interrupted => "interrupted",
        }
    }
}

/// The client program, from its user agent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClientInfo {
    /// `claude-cli`, `codex_exec`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// Durations since the request came in, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Timings {
    /// Until the hub turned to a provider.
    pub queued_us: u64,
    /// Until the request went out on a connection, a new one or an idle one. Of attempts only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connected_us: Option<u64>,
    /// Until the first byte of an answer came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte_us: Option<u64>,
    /// Until the first content came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_content_us: Option<u64>,
    /// Until the end.
    pub total_us: u64,
}

/// Why a provider was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptReason {
    /// The conversation is bound to it.
    SessionReuse,
    /// Chosen by the stages.
    InitialSelection,
    /// The same provider once more.
    RetryFailed,
    /// Another provider after a failure.
    Failover,
    /// Passed over: it has as many sessions as it may.
    ConcurrentLimitFailed,
    /// Started beside another provider that had no content for too long.
    HedgeLaunched,
    /// Started like that, and had content first.
    HedgeWon,
    /// Cancelled: the other of the two had content first.
    HedgeLost,
}

/// What kind of failure an attempt was (routing's classification table).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The client hung up.
    ClientAbort,
    /// No connection, or it broke before any byte.
    Network,
    /// The provider is broken: 5xx.
    ProviderError,
    /// The provider is overloaded: 529.
    Overloaded,
    /// The provider says: too many requests.
    Throttled,
    /// The provider refuses our credential or account.
    Credential,
    /// The provider does not serve this model or endpoint.
    NotServed,
    /// Too slow.
    Timeout,
    /// The request itself is wrong: the client's fault.
    RequestFault,
    /// Status 200, but no answer in it.
    FakeSuccess,
    /// It broke off in the middle of its answer.
    Truncated,
}

impl ErrorClass {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientAbort => "client_abort",
            Self::Network => "network",
            Self::ProviderError => "provider_error",
            Self::Overloaded => "overloaded",
            Self::Throttled => "throttled",
            Self::Credential => "credential",
            Self::NotServed => "not_served",
            Self::Timeout => "timeout",
            Self::RequestFault => "request_fault",
            Self::FakeSuccess => "fake_success",
            Self::Truncated => "truncated",
        }
    }
}

/// One try of one provider: an entry of the decision chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The ledger line's id, too.
    pub id: AttemptId,
    /// Who was tried.
    pub provider_id: ProviderId,
    /// Its name at that time.
    pub provider_name: String,
    /// Its type at that time.
    pub provider_type: ProviderType,
    /// Why.
    pub reason: AttemptReason,
    /// Its priority in the choice.
    pub priority: i32,
    /// Its weight in the choice.
    pub weight: u32,
    /// How likely the choice was, in millionths.
    pub probability_ppm: u32,
    /// Its circuit breaker was half-open, and this is the trial; else it was closed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_trial: bool,
    /// Host and port of the upstream.
    pub host: String,
    /// The model that was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_model: Option<String>,
    /// The model that the upstream named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_model: Option<String>,
    /// The upstream's status, if it gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What kind of failure, if it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<ErrorClass>,
    /// The error rule that says so, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_rule_id: Option<ErrorRuleId>,
    /// The failure in words, redacted, ≤ 2 KB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Durations since the request came in.
    pub timings: Timings,
    /// What it used; `None` if nothing is billed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Where that figure comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage_source: Option<UsageSource>,
    /// What it cost; `None` with usage = the model has no known price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
    /// The cost line by line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_breakdown: Option<CostBreakdown>,
    /// The version of the price used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_version: Option<i64>,
    /// The provider's price factor.
    #[serde(default, skip_serializing_if = "Multiplier::is_one")]
    pub provider_multiplier: Multiplier,
    /// The group's price factor.
    #[serde(default, skip_serializing_if = "Multiplier::is_one")]
    pub group_multiplier: Multiplier,
}

/// How many providers one stage of the choice let through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageCount {
    /// The stage.
    pub stage: Cow<'static, str>,
    /// How many were left after it.
    pub left: u32,
}

/// The stable words of limits that refuse requests: `error.limit_type`, and the `error_code` of their records.
pub const LIMIT_WORDS: [&str; 8] = [
    "rpm",
    "usd_5h",
    "usd_daily",
    "usd_weekly",
    "usd_monthly",
    "usd_total",
    "tokens_total",
    "concurrent_sessions",
];

/// Everything that is kept of one client request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// The request.
    pub id: RequestId,
    /// When it came in.
    pub created_at: Timestamp,
    /// Who asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// With which key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<KeyId>,
    /// In which conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The how-manieth request of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_sequence: Option<u64>,
    /// In which language.
    pub dialect: Dialect,
    /// For what.
    pub endpoint: Endpoint,
    /// As a stream?
    pub stream: bool,
    /// With which program.
    pub client: ClientInfo,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_address: Option<IpAddr>,
    /// For which model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// The status that the client saw; 0 = none.
    pub status: u16,
    /// Stable code of the error, if it was one (the limit or rule for a refusal).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The error in words, redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// Durations.
    pub timings: Timings,
    /// The tries, in order; the last one is the one that answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// How many providers each stage of the choice left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageCount>,
    /// What the choices went by, so that they can be computed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing: Option<Box<RoutingRecord>>,
    /// What could not be carried into the dialect of the provider asked last: codes, some with a detail behind a
    /// colon. Empty if it speaks the client's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loss: Vec<String>,
}

/// Half a year in microseconds: no request takes longer.
const LONGEST_US: u64 = 15_768_000_000_000;

/// The sum, or `None` of nothing.
fn sum<T: AddAssign>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let first = items.next()?;
    Some(items.fold(first, |mut sum, item| {
        sum += item;
        sum
    }))
}

impl RequestRecord {
    /// A record with the given facts and nothing else.
    pub fn new(
        id: RequestId,
        created_at: Timestamp,
        dialect: Dialect,
        endpoint: Endpoint,
        outcome: Outcome,
    ) -> Self {
        Self {
            id,
            created_at,
            user_id: None,
            key_id: None,
            session_id: None,
            session_sequence: None,
            dialect,
            endpoint,
            stream: false,
            client: ClientInfo::default(),
            client_address: None,
            model: None,
            outcome,
            status: 0,
            error_code: None,
            error_message: None,
            timings: Timings::default(),
            attempts: Vec::new(),
            stages: Vec::new(),
            routing: None,
            loss: Vec::new(),
        }
    }

    /// The attempt that answered, or the last one that failed.
    pub fn last_attempt(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// What the request used, over all attempts that used anything: its ledger lines together.
    pub fn usage(&self) -> Option<Usage> {
        sum(self.attempts.iter().filter_map(|attempt| attempt.usage))
    }

    /// What it costs, over all attempts whose price is known.
    pub fn cost(&self) -> Option<Money> {
        sum(self.attempts.iter().filter_map(|attempt| attempt.cost))
    }

    /// The same line by line.
    pub fn cost_breakdown(&self) -> Option<CostBreakdown> {
        sum(self.attempts.iter().filter_map(|attempt| attempt.cost_breakdown))
    }

    /// When the request ended: the moment of its charges, in the ledger as in every limit. Not the moment when
    /// it came in: a request that is under way has charged nothing yet, so that what is charged before a moment
    /// is complete as soon as that moment has passed. An absurd duration counts as none.
    pub fn settled_at(&self) -> Timestamp {
        let total = Some(self.timings.total_us).filter(|total| *total <= LONGEST_US).unwrap_or(0);
        let total = i64::try_from(total).unwrap_or(0);
        self.created_at.checked_add(SignedDuration::from_micros(total)).unwrap_or(self.created_at)
    }

    /// The limit that refused it, by its stable word.
    pub fn refused_by_limit(&self) -> Option<&'static str> {
        let code = self.error_code.as_deref().filter(|_| self.outcome == Outcome::Refused)?;
        LIMIT_WORDS.into_iter().find(|word| *word == code)
    }

    /// The ledger lines: one for each attempt that used anything.
    pub fn ledger_lines(&self) -> impl Iterator<Item = LedgerLine> {
        self.attempts.iter().filter_map(|attempt| {
            Some(LedgerLine {
                attempt_id: attempt.id,
                request_id: self.id,
                created_at: self.settled_at(),
                user_id: self.user_id?,
                key_id: self.key_id?,
                provider_id: attempt.provider_id,
                model: self.model.clone().unwrap_or_default(),
                usage: attempt.usage?,
                usage_source: attempt.usage_source?,
                cost: attempt.cost,
                cost_breakdown: attempt.cost_breakdown,
                price_version: attempt.price_version,
                provider_multiplier: attempt.provider_multiplier,
                group_multiplier: attempt.group_multiplier,
                status: attempt.status.unwrap_or(0),
                duration_us: self.timings.total_us,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_before_can_be_read_and_losses_are_written_where_there_are_some() {
        let at = Timestamp::UNIX_EPOCH;
        let record = RequestRecord::new(
            RequestId::fresh(),
            at,
            Dialect::Claude,
            Endpoint::Generate,
            Outcome::Completed,
        );
        let written = serde_json::to_string(&record).unwrap();
        assert!(!written.contains("loss"), "{written}");
        assert_eq!(serde_json::from_str::<RequestRecord>(&written).unwrap(), record);
        let lossy = RequestRecord { loss: vec!["top_k".to_owned(), "schema:not".to_owned()], ..record };
        let written = serde_json::to_string(&lossy).unwrap();
        assert_eq!(serde_json::from_str::<RequestRecord>(&written).unwrap(), lossy);
    }

    #[test]
    fn charges_count_by_the_end_of_their_request() {
        let came_in = Timestamp::from_second(1_795_000_000).unwrap();
        let id = RequestId::fresh();
        let mut record =
            RequestRecord::new(id, came_in, Dialect::Claude, Endpoint::Generate, Outcome::Completed);
        record.timings.total_us = 90_000_001;
        assert_eq!(record.settled_at(), came_in + SignedDuration::from_micros(90_000_001));
        for absurd in [LONGEST_US + 1, u64::MAX] {
            record.timings.total_us = absurd;
            assert_eq!(record.settled_at(), came_in, "{absurd}");
        }
    }
}
