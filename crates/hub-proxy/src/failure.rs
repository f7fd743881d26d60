//! A failed attempt: what it was, whether another provider may help, and what the client sees if none does.

use std::time::Duration;

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderMap, Response, StatusCode};

use http::header::{CONTENT_TYPE, HeaderValue};

use hub_formats::convert::{self, LossReport, read_failure, render_failure};
use hub_formats::tap::{UpstreamError, UsageTap};
use hub_http::Body;
use hub_routing::{classify_status, verdict};
use hub_types::{Dialect, ErrorClass, Outcome};

use crate::alert::{Alert, AlertKind};
use crate::attempt::Underway;
use crate::breaker::Judgement;
use crate::docket::Docket;
use crate::receive::Call;
use crate::redact::redact;
use crate::retry_after::retry_after;
use crate::shared::Shared;
use crate::{ProxyError, headers, render};

/// See the module's documentation.
pub(crate) struct Failure {
    class: ErrorClass,
    message: String,
    answer: Option<Answered>,
    /// The upstream says that the request is wrong: nothing is held against it.
    blames_request: bool,
}

/// An upstream's answer that is no success.
struct Answered {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    /// The message found in it.
    said: Option<String>,
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
        Self { class, message, answer: None, blames_request: false }
    }

    /// The time for attempts was over before one could be made.
    pub(crate) fn out_of_time() -> Self {
        Self::no_answer(ErrorClass::Timeout, "the failover budget is used up".to_owned())
    }

    /// The answer is not a stream, and the client waits in one.
    pub(crate) fn no_stream() -> Self {
        Self::no_answer(ErrorClass::FakeSuccess, "an answer in another form than an event stream".to_owned())
    }

    /// An answer came in the provider's dialect, and it is an error. `body` is redacted already.
    pub(crate) fn answer(call: &Call, dialect: Dialect, head: Parts, body: Bytes) -> Self {
        let mut tap = UsageTap::new(dialect, call.endpoint, false);
        tap.push(&body);
        let reported = tap.finish().error.unwrap_or_default();
        let status = head.status.as_u16();
        let class = classify_status(
            status,
            reported.kind.as_deref(),
            reported.code.as_deref(),
            reported.message.as_deref(),
        );
        let kind = reported.kind.or(reported.code).unwrap_or_default();
        let message = format!("status {status} {}", kind.chars().take(100).collect::<String>());
        let (status, headers) = (head.status, head.headers);
        let foreign = (dialect != call.dialect).then(|| Box::new(read_failure(status.as_u16(), &body)));
        let answer = Some(Answered { status, headers, body, said: reported.message, foreign });
        Self { class, message: message.trim_end().to_owned(), answer, blames_request: false }
    }

    /// An answer began well, and holds nothing but an error.
    pub(crate) fn inside(reported: UpstreamError, secrets: &[Vec<u8>]) -> Self {
        let kind = reported.kind.or(reported.code).unwrap_or_else(|| "error".to_owned());
        let blames_request = REQUEST_FAULTS.contains(&kind.as_str());
        let is_overloaded = kind == "overloaded_error";
        let class = if is_overloaded { ErrorClass::Overloaded } else { ErrorClass::FakeSuccess };
        let status = if is_overloaded { OVERLOADED } else { StatusCode::BAD_GATEWAY };
        // The kind is a word of the vendor's protocol; its free text may hold anything.
        let message = format!("a success that holds {}", kind.chars().take(100).collect::<String>());
        let said = reported.message.map(|said| redact(said.into_bytes().into(), secrets));
        let said = said.map(|said| String::from_utf8_lossy(&said).into_owned());
        let answer = Answered { status, headers: HeaderMap::new(), body: Bytes::new(), said, foreign: None };
        Self { class, message, answer: Some(answer), blames_request }
    }

    /// An answer is complete, and there is nothing in it. If nobody has more to say, the client gets it.
    pub(crate) fn empty(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        let answer = Answered { status, headers, body, said: None, foreign: None };
        Self {
            class: ErrorClass::FakeSuccess,
            message: "an answer without content".to_owned(),
            answer: Some(answer),
            blames_request: false,
        }
    }

    pub(crate) const fn class(&self) -> ErrorClass {
        self.class
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
        underway.record.error = Some(self.message.clone());
    }

    /// Could another provider do better? Not with a request that is wrong itself.
    pub(crate) fn may_try_another(&self) -> bool {
        verdict(self.class).another_provider
    }

    /// What the client gets when nobody else is left. The provider's own words pass, unless they are about
    /// the hub's account; where they are not in the client's dialect, they are put into it.
    pub(crate) fn into_answer(
        self,
        mut docket: Docket,
        dialect: Dialect,
    ) -> Result<Response<Body>, ProxyError> {
        if let Some(Answered { status, headers, body, .. }) = &self.answer
            && status.is_success()
        {
            let mut response = Response::new(Body::from(body.clone()));
            *response.status_mut() = *status;
            *response.headers_mut() = headers.clone();
            docket.close(Outcome::Completed, status.as_u16());
            return Ok(response);
        }
        let error = ProxyError::UpstreamFailed(self.class);
        let record = docket.record();
        record.error_code = Some(error.code().to_owned());
        record.error_message = Some(self.message);
        match self.answer {
            // A redirect would lead the client away from the hub, with its key.
            Some(Answered { status, headers, body, said, foreign })
                if self.class != ErrorClass::Credential && matches!(status.as_u16(), 400..=599) =>
            {
                // 529 is a word of the Claude dialect only.
                let is_foreign = status == OVERLOADED && dialect != Dialect::Claude;
                let status = if is_foreign { StatusCode::SERVICE_UNAVAILABLE } else { status };
                let is_translated = foreign.is_some();
                let body = if let Some(failure) = foreign {
                    render_failure(&failure, dialect).into()
                } else if render::is_error_of(dialect, &body) {
                    body
                } else {
                    let said = said.filter(|said| !said.trim().is_empty());
                    let message = said.unwrap_or_else(|| format!("the provider answered {status}"));
                    render::error_object(dialect, Some(docket.id()), status, error.code(), &message).into()
                };
                let mut response = Response::new(Body::from(body));
                *response.status_mut() = status;
                *response.headers_mut() = if is_translated {
                    headers::to_foreign_client(&headers, false, &LossReport::default())
                } else {
                    headers::to_client(headers, false)
                };
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                docket.close(Outcome::Failed, response.status().as_u16());
                Ok(response)
            }
            _ => {
                docket.close(Outcome::Failed, error.status().as_u16());
                Err(error)
            }
        }
    }
}
