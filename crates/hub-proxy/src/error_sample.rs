//! Trying error rules out: what would become of an answer of a provider, without any provider.

use bytes::Bytes;
use http::{Response, StatusCode};

use hub_formats::tap::UsageTap;
use hub_routing::ErrorRules;
use hub_types::{Dialect, Endpoint, ErrorClass, ErrorRuleId, ProviderId, ProviderType};

use crate::ProxyError;
use crate::failure::{Failure, LastWord};
use crate::render;

/// An answer of a provider, as it might be.
#[derive(Debug, Clone)]
pub struct ErrorSample {
    /// Whose.
    pub provider: ProviderId,
    /// What kind of account that is: it decides in which dialect the body is read.
    pub provider_type: ProviderType,
    /// The status.
    pub status: StatusCode,
    /// The body, or the first frames of a stream.
    pub body: Bytes,
}

/// What would become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleVerdict {
    /// The rule that speaks about it.
    pub rule: Option<ErrorRuleId>,
    /// What it is.
    pub class: ErrorClass,
    /// What it would be if there were no rules.
    pub built_in: ErrorClass,
    /// The type of the error that was found in the body.
    pub error_type: Option<String>,
    /// Its code.
    pub code: Option<String>,
    /// The text that patterns are held against.
    pub text: String,
    /// What clients of each dialect see if nobody else answers.
    pub clients: Vec<SeenByClient>,
}

/// What a client sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenByClient {
    /// In its dialect.
    pub dialect: Dialect,
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

impl ErrorSample {
    /// Asks the rules. `None`: the answer has content, so it is no failure, and no rule is asked about it.
    pub fn judge(&self, rules: &ErrorRules) -> Option<SampleVerdict> {
        let dialect = self.provider_type.dialect();
        let failure = self.failure(dialect)?;
        let (built_in, said) = (failure.class(), failure.said());
        let (error_type, code) = said.map_or((None, None), |said| (said.kind.clone(), said.code.clone()));
        let text = said.map(|said| said.text().into_owned()).unwrap_or_default();
        let judged = self.judged(failure, rules);
        let (rule, class) = (judged.rule(), judged.class());
        let seen = |client| {
            let judged = self.judged(self.failure(client)?, rules);
            let (status, body) = match judged.last_word(client, None) {
                Ok(LastWord { status, body, .. }) => (status, body),
                Err(error) => (error.status(), own_words(client, &error)),
            };
            Some(SeenByClient { dialect: client, status: status.as_u16(), body })
        };
        let clients = Dialect::ALL.into_iter().filter_map(seen).collect();
        Some(SampleVerdict { rule, class, built_in, error_type, code, text, clients })
    }

    fn judged(&self, failure: Failure, rules: &ErrorRules) -> Failure {
        failure.judged_by(rules, self.provider, self.provider_type, Some(self.status.as_u16()))
    }

    /// The failure that an attempt with this answer would be, for a client of this dialect.
    fn failure(&self, client: Dialect) -> Option<Failure> {
        let dialect = self.provider_type.dialect();
        let mut response = Response::new(());
        *response.status_mut() = self.status;
        let (head, ()) = response.into_parts();
        if !self.status.is_success() {
            return Some(Failure::answer(client, Endpoint::Generate, dialect, head, self.body.clone()));
        }
        if self.body.trim_ascii_start().starts_with(b"<") {
            return Some(Failure::page().having_said(&self.body, &[]));
        }
        let mut tap = UsageTap::new(dialect, Endpoint::Generate, true);
        tap.push(&self.body);
        let report = tap.finish();
        match report.error {
            Some(error) if !report.content_seen => Some(Failure::inside(error, &[])),
            _ if report.content_seen => None,
            _ => {
                let empty = Failure::empty(self.status, head.headers, self.body.clone());
                Some(empty.having_said(&self.body, &[]))
            }
        }
    }
}

fn own_words(dialect: Dialect, error: &ProxyError) -> Bytes {
    render::error_object(dialect, None, error.status(), error.code(), &error.to_string()).into()
}

#[cfg(test)]
mod tests;
