//! Asking a provider which models it has.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, ACCEPT_ENCODING, HOST, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request, Uri};
use serde_json::Value;

use hub_http::UpstreamClient;
use hub_types::Dialect;

use crate::catalogue::Upstream;

/// A list is waited for no longer than this, and is no longer than that.
const PATIENCE: Duration = Duration::from_secs(5);
const MAX_BYTES: usize = 8 << 20;
const MAX_MODELS: usize = 5000;
const MAX_NAME: usize = 256;

const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// The provider's models by name; `None` if it does not say.
pub(super) async fn ask(client: &UpstreamClient, upstream: &Upstream) -> Option<Vec<Box<str>>> {
    let request = request(upstream)?;
    let dialect = upstream.provider.provider_type.dialect();
    let asking = async {
        let response = client.send(&upstream.route, request).await.ok()?;
        if !response.head.status.is_success() {
            return None;
        }
        let mut body = response.body;
        let mut read = BytesMut::new();
        while let Some(piece) = body.next().await {
            read.extend_from_slice(&piece.ok()?);
            if read.len() > MAX_BYTES {
                return None;
            }
        }
        names(dialect, &read)
    };
    tokio::time::timeout(PATIENCE, asking).await.ok().flatten()
}

fn request(upstream: &Upstream) -> Option<Request<Bytes>> {
    let (path, query) = match upstream.provider.provider_type.dialect() {
        Dialect::Claude => ("/v1/models", Some("limit=1000")),
        Dialect::OpenAi | Dialect::Responses => ("/v1/models", None),
        Dialect::Gemini => ("/v1beta/models", Some("pageSize=1000")),
        // Code Assist has no such list.
        Dialect::GeminiCli => return None,
    };
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = Uri::try_from(upstream.target(path, query)).ok()?;
    let headers = request.headers_mut();
    headers.insert(HOST, upstream.host.clone());
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers
        .insert(USER_AGENT, HeaderValue::from_static(concat!("claude-code-hub/", env!("CARGO_PKG_VERSION"))));
    if upstream.provider.provider_type.dialect() == Dialect::Claude {
        headers.insert(ANTHROPIC_VERSION, HeaderValue::from_static("2023-06-01"));
    }
    headers.extend(upstream.own_headers.clone());
    Some(request)
}

/// The names in a vendor's list.
fn names(dialect: Dialect, body: &[u8]) -> Option<Vec<Box<str>>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let is_gemini = matches!(dialect, Dialect::Gemini | Dialect::GeminiCli);
    let (list, field) = if is_gemini { ("models", "name") } else { ("data", "id") };
    let models = body.get(list)?.as_array()?.iter().filter(|model| !is_gemini || generates(model));
    let names = models.filter_map(|model| model.get(field)?.as_str());
    let names = names.map(|name| name.strip_prefix("models/").unwrap_or(name));
    let names = names.filter(|name| !name.is_empty() && name.len() <= MAX_NAME);
    Some(names.take(MAX_MODELS).map(Into::into).collect())
}

/// Gemini's list holds models for other work, too.
fn generates(model: &Value) -> bool {
    let methods = model.get("supportedGenerationMethods").and_then(Value::as_array);
    methods.is_none_or(|methods| methods.iter().any(|method| method == "generateContent"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vendor_has_its_own_kind_of_list() {
        let claude = br#"{"data":[{"type":"model","id":"claude-x"},{"id":""},{"id":7}],"has_more":false}"#;
        let gemini = br#"{"models":[{"name":"models/gemini-x"},
            {"name":"models/embed","supportedGenerationMethods":["embedContent"]},
            {"name":"gemini-y","supportedGenerationMethods":["generateContent"]}]}"#;
        let of = |dialect, body| names(dialect, body).map(|names| names.join(" "));
        assert_eq!(of(Dialect::Claude, claude.as_slice()).as_deref(), Some("claude-x"));
        assert_eq!(of(Dialect::Gemini, gemini).as_deref(), Some("gemini-x gemini-y"));
        for nothing in [b"<html>".as_slice(), b"{}", br#"{"data":7}"#, b""] {
            assert_eq!(of(Dialect::OpenAi, nothing), None);
        }
    }
}
