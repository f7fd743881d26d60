//! What the client gets of a failure when nobody else is left: the provider's own words, what a rule puts in their
//! place, or the hub's.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Response, StatusCode};

use hub_formats::convert::{LossReport, render_failure};
use hub_http::Body;
use hub_routing::classify_status;
use hub_types::{Dialect, ErrorClass, ErrorRule, Outcome, RequestId};

use super::{Answered, Failure, OVERLOADED};
use crate::docket::Docket;
use crate::{ProxyError, headers, render};

/// An answer for the client that is not the hub's own.
pub(crate) struct LastWord {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Failure {
    /// Ends the request with this failure.
    pub(crate) fn into_answer(
        self,
        mut docket: Docket,
        dialect: Dialect,
    ) -> Result<Response<Body>, ProxyError> {
        let last = self.last_word(dialect, Some(docket.id()));
        if let Ok(LastWord { status, headers, body }) = &last
            && status.is_success()
        {
            docket.close(Outcome::Completed, status.as_u16());
            return Ok(respond(*status, headers.clone(), body.clone()));
        }
        let error = ProxyError::UpstreamFailed(self.class);
        let record = docket.record();
        record.error_code = Some(error.code().to_owned());
        record.error_message = Some(self.message);
        let status = last.as_ref().map_or_else(ProxyError::status, |last| last.status);
        docket.close(Outcome::Failed, status.as_u16());
        last.map(|LastWord { status, headers, body }| respond(status, headers, body))
    }

    /// The provider's own words pass, unless they are about the hub's account; where they are not in the client's
    /// dialect, they are put into it. Where a rule says what the client is to see, or gave a class that another
    /// status belongs to, the answer is written anew.
    pub(crate) fn last_word(&self, dialect: Dialect, id: Option<RequestId>) -> Result<LastWord, ProxyError> {
        let error = ProxyError::UpstreamFailed(self.class);
        match &self.rule {
            Some((rule, said)) => {
                if let Some(answer) = self.by_rule(rule.rule(), *said, dialect, id, &error) {
                    return Ok(answer);
                }
            }
            None => {
                if let Some(Answered { status, headers, body, .. }) = &self.answer
                    && status.is_success()
                {
                    return Ok(LastWord { status: *status, headers: headers.clone(), body: body.clone() });
                }
            }
        }
        match &self.answer {
            // A redirect would lead the client away from the hub, with its key.
            Some(answer)
                if self.class != ErrorClass::Credential && matches!(answer.status.as_u16(), 400..=599) =>
            {
                Ok(self.in_its_words(answer, dialect, id, &error))
            }
            _ => Err(error),
        }
    }

    /// What the provider said.
    fn in_its_words(
        &self,
        answer: &Answered,
        dialect: Dialect,
        id: Option<RequestId>,
        error: &ProxyError,
    ) -> LastWord {
        let status = in_dialect(answer.status, dialect);
        let body = if let Some(failure) = &answer.foreign {
            render_failure(failure, dialect).into()
        } else if render::is_error_of(dialect, &answer.body) {
            answer.body.clone()
        } else {
            let message =
                self.said_message().map_or_else(|| format!("the provider answered {status}"), str::to_owned);
            render::error_object(dialect, id, status, error.code(), &message).into()
        };
        let mut headers = if answer.foreign.is_some() {
            headers::to_foreign_client(&answer.headers, false, &LossReport::default())
        } else {
            headers::to_client(answer.headers.clone(), false)
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        LastWord { status, headers, body }
    }

    /// What a rule makes of it. `None`: nothing else than would be said without it.
    fn by_rule(
        &self,
        rule: &ErrorRule,
        said: u16,
        dialect: Dialect,
        id: Option<RequestId>,
        error: &ProxyError,
    ) -> Option<LastWord> {
        let is_replaced = rule.replacement_status.is_some() || rule.replacement_message.is_some();
        let status = rule.replacement_status.unwrap_or_else(|| status_of(self.class, said));
        // Nothing is to be seen of the hub's account, and a status that fits already has fitting words.
        if !is_replaced && (self.class == ErrorClass::Credential || status == said) {
            return None;
        }
        let status = in_dialect(StatusCode::from_u16(status).ok()?, dialect);
        let own = self.said_message().filter(|_| self.class != ErrorClass::Credential);
        let message =
            rule.replacement_message.as_deref().or(own).map_or_else(|| error.to_string(), str::to_owned);
        let body = render::error_object(dialect, id, status, error.code(), &message).into();
        let upstream = self.answer.as_ref().map(|answer| &answer.headers);
        let headers = upstream.map_or_else(HeaderMap::new, |upstream| {
            headers::to_foreign_client(upstream, false, &LossReport::default())
        });
        let mut answer = LastWord { status, headers, body };
        answer.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Some(answer)
    }

    fn said_message(&self) -> Option<&str> {
        self.said.as_ref().and_then(|said| said.message.as_deref())
    }
}

/// The status by which clients know what to do about a class: the one that was said, if it means the same.
fn status_of(class: ErrorClass, said: u16) -> u16 {
    if matches!(said, 400..=599) && classify_status(said, None, None, None) == class {
        return said;
    }
    match class {
        ErrorClass::RequestFault | ErrorClass::ClientAbort => 400,
        ErrorClass::NotServed => 404,
        ErrorClass::Throttled => 429,
        ErrorClass::Timeout => 504,
        ErrorClass::Overloaded => 529,
        ErrorClass::Network
        | ErrorClass::ProviderError
        | ErrorClass::Credential
        | ErrorClass::FakeSuccess
        | ErrorClass::Truncated => 502,
    }
}

/// 529 is a word of the Claude dialect only.
fn in_dialect(status: StatusCode, dialect: Dialect) -> StatusCode {
    if status == OVERLOADED && dialect != Dialect::Claude { StatusCode::SERVICE_UNAVAILABLE } else { status }
}

fn respond(status: StatusCode, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
