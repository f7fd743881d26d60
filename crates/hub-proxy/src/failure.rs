//! A failed attempt: what it was, what the operator's rules say of it, and whether another provider may help. What
//! the client sees if none does is in `last_word`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderMap, StatusCode};

use hub_formats::convert::{self, read_failure};
use hub_formats::tap::{UpstreamError, UsageTap};
use hub_routing::{CompiledErrorRule, Complaint, ErrorRules, classify_status, verdict};
use hub_types::{Dialect, Endpoint, ErrorClass, ErrorRuleId, ProviderId, ProviderType};

use crate::alert::{Alert, AlertKind};
use crate::attempt::Underway;
use crate::breaker::Judgement;
use crate::redact::redact;
use crate::retry_after::retry_after;
use crate::said::Said;
use crate::shared::Shared;

mod last_word;

pub(crate) use last_word::LastWord;

/// See the module's documentation.
pub(crate) struct Failure {
    class: ErrorClass,
    message: String,
    answer: Option<Answered>,
    /// What the provider said of it, if it said anything.
    said: Option<Box<Said>>,
    /// The upstream says that the request is wrong: nothing is held against it.
    blames_request: bool,
    /// The rule that gave the class, and the status that it was asked about.
    rule: Option<(Arc<CompiledErrorRule>, u16)>,
}

/// An upstream's answer that is no success.
struct Answered {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    /// What it means, if it is in another dialect than the client's.
    foreign: Option<Box<convert::Failure>>,
}

/// What upstreams call requests that are wrong themselves, where a status would have said so.
const REQUEST_FAULTS: [&str; 7] = [
    "invalid_request_error",
    "INVALID_ARGUMENT",
    "FAILED_PRECONDITION",
    "invalid_prompt",
    "context_length_exceeded",
    "request_too_large",
    "content_policy_violation",
];

/// What Claude says for it.
const OVERLOADED: StatusCode = match StatusCode::from_u16(529) {
    Ok(status) => status,
    Err(_) => StatusCode::SERVICE_UNAVAILABLE,
};

impl Failure {
    /// No answer came.
    pub(crate) fn no_answer(class: ErrorClass, message: String) -> Self {
        Self { class, message, answer: None, said: None, blames_request: false, rule: None }
    }

    /// The time for attempts was over before one could be made.
    pub(crate) fn out_of_time() -> Self {
        Self::no_answer(ErrorClass::Timeout, "the failover budget is used up".to_owned())
    }

    /// The answer is not a stream, and the client waits in one.
    pub(crate) fn no_stream() -> Self {
        Self::no_answer(ErrorClass::FakeSuccess, "an answer in another form than an event stream".to_owned())
    }

    /// A web page came.
    pub(crate) fn page() -> Self {
        Self::no_answer(ErrorClass::FakeSuccess, "a web page for an answer".to_owned())
    }

    /// With what came of a body that is no answer: an error in a form of the provider's own, maybe.
    pub(crate) fn having_said(mut self, body: &Bytes, secrets: &[Vec<u8>]) -> Self {
        self.said = Said::without_words(body, secrets).map(Box::new);
        self
    }

    /// An answer came in the dialect of the provider, and it is an error. `body` is redacted already. `client` is the
    /// dialect of whoever asked.
    pub(crate) fn answer(
        client: Dialect,
        endpoint: Endpoint,
        dialect: Dialect,
        head: Parts,
        body: Bytes,
    ) -> Self {
        let mut tap = UsageTap::new(dialect, endpoint, false);
        tap.push(&body);
        let reported = tap.finish().error.unwrap_or_default();
        let status = head.status.as_u16();
        let class = classify_status(
            status,
            reported.kind.as_deref(),
            reported.code.as_deref(),
            reported.message.as_deref(),
        );
        let kind = reported.kind.as_deref().or(reported.code.as_deref()).unwrap_or_default();
        let message = format!("status {status} {}", kind.chars().take(100).collect::<String>());
        let (status, headers) = (head.status, head.headers);
        let foreign = (dialect != client).then(|| Box::new(read_failure(status.as_u16(), &body)));
        let said = Some(Box::new(Said::new(reported, &body)));
        let answer = Some(Answered { status, headers, body, foreign });
        Self { answer, said, ..Self::no_answer(class, message.trim_end().to_owned()) }
    }

    /// An answer began well, and holds nothing but an error.
    pub(crate) fn inside(mut reported: UpstreamError, secrets: &[Vec<u8>]) -> Self {
        let kind = reported.kind.as_deref().or(reported.code.as_deref()).unwrap_or("error");
        let blames_request = REQUEST_FAULTS.contains(&kind);
        let is_overloaded = kind == "overloaded_error";
        let class = if is_overloaded { ErrorClass::Overloaded } else { ErrorClass::FakeSuccess };
        let status = if is_overloaded { OVERLOADED } else { StatusCode::BAD_GATEWAY };
        // The kind is a word of the vendor's protocol; its free text may hold anything.
        let message = format!("a success that holds {}", kind.chars().take(100).collect::<String>());
        let said = reported.message.take().map(|said| redact(said.into_bytes().into(), secrets));
        reported.message = said.map(|said| String::from_utf8_lossy(&said).into_owned());
        let said = Some(Box::new(Said::new(reported, &Bytes::new())));
        let answer = Answered { status, headers: HeaderMap::new(), body: Bytes::new(), foreign: None };
        Self { answer: Some(answer), said, blames_request, ..Self::no_answer(class, message) }
    }

    /// An answer is complete, and there is nothing in it. If nobody has more to say, the client gets it.
    pub(crate) fn empty(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        let answer = Some(Answered { status, headers, body, foreign: None });
        let message = "an answer without content".to_owned();
        Self { answer, ..Self::no_answer(ErrorClass::FakeSuccess, message) }
    }

    /// Lets the operator's rules have the say about what a provider said. `status` is that of its answer. The one
    /// place where a rule becomes a class.
    pub(crate) fn judged_by(
        mut self,
        rules: &ErrorRules,
        provider: ProviderId,
        provider_type: ProviderType,
        status: Option<u16>,
    ) -> Self {
        let (false, Some(said), Some(status)) = (rules.is_empty(), &self.said, status) else { return self };
        let text = said.text();
        let complaint = Complaint {
            provider,
            provider_type,
            status,
            error_type: said.kind.as_deref(),
            code: said.code.as_deref(),
            text: &text,
        };
        let Some(rule) = rules.find(&complaint) else { return self };
        self.class = rule.rule().class;
        // A status alone does not outweigh that the provider blames the request.
        self.blames_request &= !rule.rule().is_specific();
        self.rule = Some((Arc::clone(rule), status));
        self
    }

    /// The rule that gave the class, if it was one.
    pub(crate) fn rule(&self) -> Option<ErrorRuleId> {
        self.rule.as_ref().map(|(rule, _)| rule.rule().id)
    }

    pub(crate) const fn class(&self) -> ErrorClass {
        self.class
    }

    /// What the provider said of it.
    pub(crate) fn said(&self) -> Option<&Said> {
        self.said.as_deref()
    }

    /// Writes it on the attempt, and lets the provider have what follows from it.
    pub(crate) fn note(&self, shared: &Shared, underway: &mut Underway) {
        let judgement =
            if self.blames_request { Judgement::Nothing } else { Judgement::of(shared, Some(self.class)) };
        underway.judge(judgement);
        let provider = &underway.upstream.provider;
        let pause = verdict(self.class).cool_down_ms;
        if pause > 0 {
            let asked =
                self.answer.as_ref().and_then(|answer| retry_after(&answer.headers, shared.clock.now()));
            let pause = asked.unwrap_or(Duration::from_millis(pause));
            shared.cool_downs.pause(provider.id, pause, shared.clock.now());
        }
        if verdict(self.class).alerts {
            let kind = AlertKind::CredentialFailing { message: self.message.clone() };
            shared.alerts.raise(Alert { provider: provider.id, name: provider.name.clone(), kind });
        }
        self.write_on(underway);
    }

    /// Writes it on the attempt. The provider hears nothing of it yet.
    pub(crate) fn write_on(&self, underway: &mut Underway) {
        let provider = underway.upstream.provider.name.as_str();
        tracing::debug!(request = %underway.request, provider, class = ?self.class, "an attempt failed");
        underway.record.timings.total_us = underway.elapsed_us();
        underway.record.class = Some(self.class);
        underway.record.error_rule_id = self.rule();
        underway.record.error = Some(self.message.clone());
    }

    /// Could another provider do better? Not with a request that is wrong itself.
    pub(crate) fn may_try_another(&self) -> bool {
        verdict(self.class).another_provider
    }
}
