//! The small request that a provider is asked with, in its own dialect.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use http::{HeaderName, Method, Request, StatusCode, Uri};
use serde_json::{Value, json};

use hub_types::{MatchKind, Provider, ProviderType};

use super::Unaskable;
use crate::catalogue::Upstream;
use crate::headers;
use crate::outgoing::redirected_path;

/// Tokens asked for; the least that all vendors take.
const TOKENS: u32 = 16;
const TEXT: &str = "Reply with OK.";

/// See the module's documentation.
pub(super) struct Question {
    /// The model that is sent.
    pub(super) model: String,
    path: String,
    query: Option<&'static str>,
    body: Value,
    /// The member of the body that bounds the answer where vendors do not agree on it, and what some want instead.
    bound: Option<(&'static str, Option<&'static str>)>,
}

impl Question {
    pub(super) fn of(upstream: &Upstream, asked: Option<&str>) -> Self {
        let provider = &upstream.provider;
        let model = match asked.or_else(|| exact_model(provider)) {
            Some(model) => upstream.redirect(model).unwrap_or(model).to_owned(),
            None => match provider.model_redirects.first() {
                Some(redirect) => redirect.target.clone(),
                None => usual_model(provider.provider_type).to_owned(),
            },
        };
        let message = json!([{"role": "user", "content": TEXT}]);
        let contents = json!({
            "contents": [{"role": "user", "parts": [{"text": TEXT}]}],
            "generationConfig": {"maxOutputTokens": TOKENS},
        });
        let plain = |path: &str, body: Value, bound| (path.to_owned(), None, body, bound);
        let (path, query, body, bound) = match provider.provider_type {
            ProviderType::Claude | ProviderType::ClaudeAuth => {
                let body = json!({"model": model, "max_tokens": TOKENS, "stream": true, "messages": message});
                plain("/v1/messages", body, None)
            }
            // Newer models of OpenAI want another word, older relays know only this one.
            ProviderType::OpenAiCompatible => plain(
                "/v1/chat/completions",
                json!({"model": model, "max_tokens": TOKENS, "stream": true, "messages": message}),
                Some(("max_tokens", Some("max_completion_tokens"))),
            ),
            // Subscriptions want `store` and `instructions` like this, and no bound.
            ProviderType::Codex => plain(
                "/v1/responses",
                json!({
                    "model": model, "instructions": "Answer as briefly as you can.", "store": false,
                    "stream": true, "max_output_tokens": TOKENS,
                    "input": [{"type": "message", "role": "user",
                        "content": [{"type": "input_text", "text": TEXT}]}],
                }),
                Some(("max_output_tokens", None)),
            ),
            ProviderType::Gemini => {
                let path = redirected_path("/v1beta/models/any:streamGenerateContent", &model);
                (path, Some("alt=sse"), contents, None)
            }
            ProviderType::GeminiCli => (
                "/v1internal:streamGenerateContent".to_owned(),
                Some("alt=sse"),
                json!({"model": model, "request": contents}),
                None,
            ),
        };
        Self { model, path, query, body, bound }
    }

    /// The same question for a provider that refused it for its bound.
    pub(super) fn other_wording(&self, status: Option<StatusCode>, answer: &[u8]) -> Option<Self> {
        let (word, instead) = self.bound?;
        let is_refused = matches!(status, Some(StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY));
        if !is_refused || memchr::memmem::find(answer, word.as_bytes()).is_none() {
            return None;
        }
        let mut body = self.body.clone();
        let members = body.as_object_mut()?;
        members.remove(word);
        if let Some(instead) = instead {
            members.insert(instead.to_owned(), TOKENS.into());
        }
        Some(Self {
            model: self.model.clone(),
            path: self.path.clone(),
            query: self.query,
            body,
            bound: None,
        })
    }

    pub(super) fn request(&self, upstream: &Upstream) -> Result<Request<Bytes>, Unaskable> {
        let mut own = HeaderMap::new();
        own.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        own.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let body = Bytes::from(self.body.to_string());
        request(upstream, Method::POST, (&self.path, self.query), own, body)
    }
}

/// A request to a provider that no client sent.
pub(super) fn request(
    upstream: &Upstream,
    method: Method,
    (path, query): (&str, Option<&str>),
    mut own: HeaderMap,
    body: Bytes,
) -> Result<Request<Bytes>, Unaskable> {
    let uri = Uri::try_from(upstream.target(path, query))
        .map_err(|_| Unaskable("its URL and the model's name make no address".to_owned()))?;
    let agent = concat!("claude-code-hub/", env!("CARGO_PKG_VERSION"));
    own.insert(USER_AGENT, HeaderValue::from_static(agent));
    if matches!(upstream.provider.provider_type, ProviderType::Claude | ProviderType::ClaudeAuth) {
        let name = HeaderName::from_static("anthropic-version");
        own.insert(name, HeaderValue::from_static("2023-06-01"));
    }
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers::to_upstream(&own, &upstream.host, &upstream.own_headers);
    Ok(request)
}

/// The first model that the provider names outright.
fn exact_model(provider: &Provider) -> Option<&str> {
    let exact = provider.allowed_models.iter().find(|rule| rule.kind == MatchKind::Exact);
    exact.map(|rule| rule.pattern.as_str())
}

/// A small model that most accounts of this type have.
const fn usual_model(provider_type: ProviderType) -> &'static str {
    match provider_type {
        ProviderType::Claude | ProviderType::ClaudeAuth => "claude-haiku-4-5",
        ProviderType::Codex => "gpt-5-codex",
        ProviderType::OpenAiCompatible => "gpt-4o-mini",
        ProviderType::Gemini | ProviderType::GeminiCli => "gemini-2.5-flash",
    }
}
