//! The list of models that a provider tells.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, HeaderMap, HeaderValue};
use serde_json::Value;

use hub_formats::tap::UsageTap;
use hub_http::UpstreamClient;
use hub_types::{Endpoint, ErrorClass, Provider, ProviderType};

use super::question::request;
use super::{Exchange, ProbeReport, Prober, Unaskable, converse};
use crate::catalogue::Upstream;

/// More of a list is not read.
const MOST_BYTES: usize = 4 << 20;
/// Models that are told of.
const MOST_MODELS: usize = 1000;
/// Bytes of a model's name.
const LONGEST_NAME: usize = 256;

/// The models of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelList {
    /// How the provider answered.
    pub report: ProbeReport,
    /// Their names, sorted; at most 1000.
    pub models: Vec<String>,
}

impl Prober {
    /// Asks a provider for the list of its models, in its dialect. Answers within `patience`.
    pub async fn models(&self, provider: &Arc<Provider>, patience: Duration) -> Result<ModelList, Unaskable> {
        list(&self.client, &self.upstream(provider)?, patience).await
    }
}

/// Asks for the list of models. Answers within `patience`.
pub(crate) async fn list(
    client: &UpstreamClient,
    upstream: &Upstream,
    patience: Duration,
) -> Result<ModelList, Unaskable> {
    let started = Instant::now();
    let target = match upstream.provider.provider_type {
        ProviderType::Claude | ProviderType::ClaudeAuth => ("/v1/models", Some("limit=1000")),
        ProviderType::Codex | ProviderType::OpenAiCompatible => ("/v1/models", None),
        ProviderType::Gemini => ("/v1beta/models", Some("pageSize=1000")),
        ProviderType::GeminiCli => return Ok(no_list()),
    };
    let mut own = HeaderMap::new();
    own.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let request = request(upstream, Method::GET, target, own, Bytes::new())?;
    let end = started + patience;
    let exchange = converse(client, upstream, request, MOST_BYTES, started, end).await;
    Ok(exchange.list(upstream, patience))
}

/// Code Assist serves no list.
fn no_list() -> ModelList {
    let message = "providers of this type serve no list of models".to_owned();
    let report = ProbeReport {
        status: None,
        class: Some(ErrorClass::NotServed),
        latency: Duration::ZERO,
        first_byte: None,
        model: String::new(),
        upstream_model: None,
        message,
    };
    ModelList { report, models: Vec::new() }
}

impl Exchange {
    fn list(self, upstream: &Upstream, patience: Duration) -> ModelList {
        let models = names(&self.body);
        let (class, message) = if let Some((class, message)) = self.broken(patience) {
            (Some(class), message)
        } else if let Some(refused) = self.status.filter(|status| !status.is_success()) {
            let mut tap = UsageTap::new(upstream.provider.provider_type.dialect(), Endpoint::Generate, false);
            tap.push(&self.body);
            let (class, message) = self.refusal(refused, tap.finish().error.unwrap_or_default());
            (Some(class), message)
        } else if models.is_none() {
            (Some(ErrorClass::FakeSuccess), "a success without a list of models in it".to_owned())
        } else {
            (None, "the provider answers".to_owned())
        };
        let report = ProbeReport { class, ..self.report(&message) };
        let models = if class.is_none() { models.unwrap_or_default() } else { Vec::new() };
        ModelList { report, models }
    }
}

/// The names in a list: `data` with `id`s, or Gemini's `models` with `name`s.
fn names(body: &[u8]) -> Option<Vec<String>> {
    let list: Value = serde_json::from_slice(body).ok()?;
    let (items, member) = match (list.get("data"), list.get("models")) {
        (Some(Value::Array(items)), _) => (items, "id"),
        (_, Some(Value::Array(items))) => (items, "name"),
        _ => return None,
    };
    let name = |item: &Value| {
        let name = item.get(member)?.as_str()?;
        let name = name.strip_prefix("models/").unwrap_or(name);
        (!name.is_empty() && name.len() <= LONGEST_NAME).then(|| name.to_owned())
    };
    let mut names: Vec<String> = items.iter().filter_map(name).take(MOST_MODELS).collect();
    names.sort_unstable();
    names.dedup();
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_list_are_read_and_strange_entries_left_out() {
        let plain = br#"{"object":"list","data":[{"id":"b"},{"id":"a"},{"id":7},{},{"id":"a"},{"id":""}]}"#;
        assert_eq!(names(plain).unwrap(), ["a", "b"]);
        assert_eq!(names(br#"{"models":[{"name":"models/g"},{"name":"h"}]}"#).unwrap(), ["g", "h"]);
        for strange in [&b"{}"[..], b"[]", b"<html>", br#"{"data":{}}"#] {
            assert_eq!(names(strange), None);
        }
        let many: Vec<Value> = (0..3000).map(|at| serde_json::json!({"id": format!("m{at}")})).collect();
        let many = serde_json::json!({ "data": many }).to_string();
        assert_eq!(names(many.as_bytes()).unwrap().len(), MOST_MODELS);
    }
}
