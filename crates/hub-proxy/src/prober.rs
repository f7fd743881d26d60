//! Asking a provider without a client: a small real request in its own dialect, or the list of its models. Admins
//! test providers with it, and those left alone by their breakers are asked whether they are back.
//!
//! What is sent is made of the same [`Upstream`] as the requests of clients: same URL, proxy, credential and
//! headers. What does not live here: sessions, limits, breakers and records. A probe leaves no trace in any of them.

mod models;
mod question;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{Request, StatusCode};

use hub_formats::tap::{UpstreamError, UsageTap};
use hub_http::UpstreamClient;
use hub_routing::{CompiledProvider, classify_status};
use hub_types::{Endpoint, ErrorClass, Provider};

pub use models::ModelList;
pub(crate) use models::list;

use crate::CatalogueRules;
use crate::attempt::class_of;
use crate::catalogue::Upstream;
use crate::redact::redact;
use question::Question;

/// More of an answer is not read: a probe asks for a few words.
const MOST_ANSWER: usize = 256 << 10;
/// Characters of a message that are told.
const MOST_MESSAGE: usize = 500;

/// Asks providers. Clones share the connections.
#[derive(Clone)]
pub struct Prober {
    client: UpstreamClient,
    rules: CatalogueRules,
}

/// How a provider answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeReport {
    /// The status of its answer, if there was one.
    pub status: Option<u16>,
    /// What kind of failure it was; `None` = it does its work.
    pub class: Option<ErrorClass>,
    /// Until the answer had ended, or it was clear that there will be none.
    pub latency: Duration,
    /// Until the answer began.
    pub first_byte: Option<Duration>,
    /// The model that was asked for; empty for a list of models.
    pub model: String,
    /// The model as the provider names it.
    pub upstream_model: Option<String>,
    /// What happened, in words: at most 500 characters, without the credential.
    pub message: String,
}

/// The provider can't be asked, as it can't take part: why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unaskable(pub String);

/// What came back.
struct Exchange {
    status: Option<StatusCode>,
    body: Bytes,
    first_byte: Option<Duration>,
    latency: Duration,
    /// Why there is no whole answer.
    fault: Option<(ErrorClass, String)>,
}

impl Prober {
    /// Asks through this client. `rules` are those of the catalogue.
    pub fn new(client: UpstreamClient, rules: CatalogueRules) -> Self {
        Self { client, rules }
    }

    /// Sends a small real request. `model` is what a client would ask for, so redirects apply to it; without it
    /// the provider's own rules are asked for one. Answers within `patience`.
    pub async fn ask(
        &self,
        provider: &Arc<Provider>,
        model: Option<&str>,
        patience: Duration,
    ) -> Result<ProbeReport, Unaskable> {
        let upstream = self.upstream(provider)?;
        let question = Question::of(&upstream, model);
        let started = Instant::now();
        let end = started + patience;
        let request = question.request(&upstream)?;
        let mut exchange = converse(&self.client, &upstream, request, MOST_ANSWER, started, end).await;
        if let Some(other) = question.other_wording(exchange.status, &exchange.body) {
            let request = other.request(&upstream)?;
            exchange = converse(&self.client, &upstream, request, MOST_ANSWER, started, end).await;
        }
        Ok(exchange.judge(&upstream, question.model, patience))
    }

    fn upstream(&self, provider: &Arc<Provider>) -> Result<Upstream, Unaskable> {
        let compiled = CompiledProvider::compile(Arc::clone(provider));
        let compiled = compiled.map_err(|error| Unaskable(error.to_string()))?;
        Upstream::build(&Arc::new(compiled), self.rules).map_err(Unaskable)
    }
}

/// Sends a request and reads the answer, as far as it comes until `end`.
async fn converse(
    client: &UpstreamClient,
    upstream: &Upstream,
    request: Request<Bytes>,
    most: usize,
    started: Instant,
    end: Instant,
) -> Exchange {
    let mut exchange =
        Exchange { status: None, body: Bytes::new(), first_byte: None, latency: Duration::ZERO, fault: None };
    let mut read = BytesMut::new();
    let work = async {
        let mut response = match client.send(&upstream.route, request).await {
            Ok(response) => response,
            Err(error) => return Some((class_of(&error), error.to_string())),
        };
        exchange.status = Some(response.head.status);
        exchange.first_byte = Some(started.elapsed());
        while let Some(piece) = response.body.next().await {
            match piece {
                Ok(piece) => {
                    let room = most - read.len();
                    read.extend_from_slice(piece.get(..piece.len().min(room)).unwrap_or_default());
                    if read.len() == most {
                        return None;
                    }
                }
                Err(error) => return Some((ErrorClass::Truncated, error.to_string())),
            }
        }
        None
    };
    let fault = match tokio::time::timeout_at(end.into(), work).await {
        Ok(fault) => fault,
        Err(_) => Some((ErrorClass::Timeout, String::new())),
    };
    exchange.fault = fault;
    exchange.latency = started.elapsed();
    exchange.body = redact(read.freeze(), &upstream.secrets);
    exchange
}

impl Exchange {
    /// What a model's answer says of its provider.
    fn judge(self, upstream: &Upstream, model: String, patience: Duration) -> ProbeReport {
        let dialect = upstream.provider.provider_type.dialect();
        let mut tap = UsageTap::new(dialect, Endpoint::Generate, true);
        tap.push(&self.body);
        let said = tap.finish();
        let is_answer = said.content_seen || said.usage.is_some() || said.upstream_model.is_some();
        let error = said.error.unwrap_or_default();
        let (class, message) = if let Some((class, message)) = self.broken(patience) {
            (Some(class), message)
        } else if let Some(refused) = self.status.filter(|status| !status.is_success()) {
            let (class, message) = self.refusal(refused, error);
            (Some(class), message)
        } else if let Some(message) = error.message.or(error.kind) {
            (Some(ErrorClass::FakeSuccess), message)
        } else if !is_answer {
            (Some(ErrorClass::FakeSuccess), "a success without an answer of a model in it".to_owned())
        } else if !said.completed {
            (Some(ErrorClass::Truncated), "the answer broke off".to_owned())
        } else {
            (None, "the provider answers".to_owned())
        };
        ProbeReport { class, model, upstream_model: said.upstream_model, ..self.report(&message) }
    }

    /// Why there is no whole answer.
    fn broken(&self, patience: Duration) -> Option<(ErrorClass, String)> {
        self.fault.as_ref().map(|(class, message)| match class {
            ErrorClass::Timeout => (*class, format!("no whole answer within {} ms", patience.as_millis())),
            _ => (*class, message.clone()),
        })
    }

    /// What an error status means.
    fn refusal(&self, status: StatusCode, error: UpstreamError) -> (ErrorClass, String) {
        let (kind, code) = (error.kind.as_deref(), error.code.as_deref());
        let class = classify_status(status.as_u16(), kind, code, error.message.as_deref());
        (class, error.message.or(error.kind).unwrap_or_else(|| self.excerpt(status)))
    }

    fn report(&self, message: &str) -> ProbeReport {
        let readable = |character: char| if character.is_control() { ' ' } else { character };
        ProbeReport {
            status: self.status.map(|status| status.as_u16()),
            class: None,
            latency: self.latency,
            first_byte: self.first_byte,
            model: String::new(),
            upstream_model: None,
            message: message.trim().chars().take(MOST_MESSAGE).map(readable).collect(),
        }
    }

    /// The beginning of a body that is not in the provider's dialect.
    fn excerpt(&self, status: StatusCode) -> String {
        let head = self.body.get(..self.body.len().min(4 * MOST_MESSAGE)).unwrap_or_default();
        let text = String::from_utf8_lossy(head);
        if text.trim().is_empty() { format!("status {status}") } else { text.into_owned() }
    }
}
