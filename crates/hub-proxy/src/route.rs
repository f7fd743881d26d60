//! What a path asks for. Query, trailing slash and doubled slashes do not matter.

use http::{HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;

use hub_types::{Dialect, Endpoint};

use crate::ProxyError;
use crate::models::ModelsCall;

mod vendor;

/// A recognised call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// To be forwarded to a provider.
    Forward(Forward),
    /// What models there are: the hub's own answer.
    Models(ModelsCall),
    /// Telemetry of a client, answered at once so that it doesn't wait.
    Telemetry,
}

/// A call that a provider serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Forward {
    pub(crate) dialect: Dialect,
    pub(crate) endpoint: Endpoint,
    pub(crate) method: Method,
    /// The path in its canonical form, to be joined to the provider's base URL.
    pub(crate) path: String,
    /// The model, where the path names it.
    pub(crate) model: Option<String>,
    /// Streamed or not, where the path says so.
    pub(crate) stream: Option<bool>,
    /// What a vendor keeps, and the call is about.
    pub(crate) about: Option<Kept>,
}

/// Things that only the provider has that made them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kept {
    /// An earlier answer, by its id.
    Response(String),
    /// Files.
    Files,
}

impl Forward {
    fn plain(dialect: Dialect, endpoint: Endpoint, path: &str) -> Self {
        let path = path.to_owned();
        Self { dialect, endpoint, method: Method::POST, path, model: None, stream: None, about: None }
    }
}

/// Recognises a call by method and path.
pub(crate) fn recognise(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Route, ProxyError> {
    let segments: Vec<&str> = uri.path().split('/').filter(|segment| !segment.is_empty()).collect();
    let segments = match segments.as_slice() {
        // A base URL that ends in /v1, joined with a path that starts with it; and the alias.
        ["v1", "v1", ..] | ["api", "v1", "messages", ..] => segments.get(1..).unwrap_or_default(),
        segments => segments,
    };
    let is_upgrade = headers.contains_key(http::header::UPGRADE);
    if segments.iter().any(|segment| matches!(*segment, "." | "..")) {
        return Err(ProxyError::UnknownPath(shown(uri)));
    }
    let forward = match segments {
        ["v1", "responses"] if method == Method::GET && is_upgrade => return Err(ProxyError::WebSocket),
        ["v1", "messages"] => Forward::plain(Dialect::Claude, Endpoint::Generate, "/v1/messages"),
        ["v1", "messages", "count_tokens"] => {
            Forward::plain(Dialect::Claude, Endpoint::CountTokens, "/v1/messages/count_tokens")
        }
        ["v1", "chat", "completions"] => {
            Forward::plain(Dialect::OpenAi, Endpoint::Generate, "/v1/chat/completions")
        }
        ["v1", "responses"] => Forward::plain(Dialect::Responses, Endpoint::Generate, "/v1/responses"),
        [version @ ("v1" | "v1beta"), "models", call] if call.contains(':') => gemini(version, call, uri)?,
        [version @ ("v1" | "v1beta"), "models", name @ ..] if !name.iter().any(|part| part.contains(':')) => {
            return models(method, version, name, headers);
        }
        // The model is in the body.
        ["v1" | "v1beta", action @ ("generateContent" | "streamGenerateContent" | "countTokens")] => {
            gemini("v1beta", &format!(":{action}"), uri)?
        }
        ["v1", rest @ ..] if vendor::serves(rest) => return vendor::recognise(method, rest),
        [call] if call.starts_with("v1internal:") => gemini_cli(call, uri)?,
        ["api", "event_logging", ..]
        | ["api", "claude_code", "metrics" | "organizations", ..]
        | ["v1", "traces"] => {
            return Ok(Route::Telemetry);
        }
        _ => return Err(ProxyError::UnknownPath(shown(uri))),
    };
    if method == Method::POST { Ok(Route::Forward(forward)) } else { Err(ProxyError::WrongMethod("POST")) }
}

/// `{root}/{model}:{action}`, as Gemini wants to be asked.
pub(crate) fn gemini_path(root: &str, model: &str, action: &str) -> String {
    let model = model.strip_prefix("models/").unwrap_or(model);
    let model = percent_encoding::utf8_percent_encode(model, percent_encoding::NON_ALPHANUMERIC);
    // Unreserved characters read better as they are.
    let model = model.to_string().replace("%2D", "-").replace("%2E", ".").replace("%5F", "_");
    format!("{root}/{model}:{action}")
}

/// `{model}:{action}`.
fn gemini(version: &str, call: &str, uri: &Uri) -> Result<Forward, ProxyError> {
    let (model, action) = call.rsplit_once(':').unwrap_or((call, ""));
    let model = percent_decode_str(model)
        .decode_utf8()
        .map_err(|_| ProxyError::InvalidRequest("the model in the path is not valid UTF-8".to_owned()))?;
    let (endpoint, stream) = action_of(action).ok_or_else(|| ProxyError::UnknownPath(shown(uri)))?;
    Ok(Forward {
        dialect: Dialect::Gemini,
        endpoint,
        path: format!("/{version}/models/{call}"),
        model: Some(model.into_owned()).filter(|model| !model.is_empty()),
        stream: Some(stream),
        about: None,
        method: Method::POST,
    })
}

/// `models` and `models/{name}`; some names have slashes.
fn models(method: &Method, version: &str, name: &[&str], headers: &HeaderMap) -> Result<Route, ProxyError> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Err(ProxyError::WrongMethod("GET"));
    }
    let dialect = if headers.contains_key("anthropic-version") {
        Dialect::Claude
    } else if version == "v1beta"
        || headers.contains_key("x-goog-api-key")
        || headers.contains_key("x-goog-api-client")
    {
        Dialect::Gemini
    } else {
        Dialect::OpenAi
    };
    let name = name.join("/");
    let name = percent_decode_str(&name)
        .decode_utf8()
        .map_err(|_| ProxyError::InvalidRequest("the model in the path is not valid UTF-8".to_owned()))?;
    let model = (!name.is_empty()).then(|| name.into_owned());
    Ok(Route::Models(ModelsCall { dialect, model }))
}

/// `v1internal:{action}`; the model is in the body.
fn gemini_cli(call: &str, uri: &Uri) -> Result<Forward, ProxyError> {
    let action = call.trim_start_matches("v1internal:");
    let (endpoint, stream) = action_of(action).ok_or_else(|| ProxyError::UnknownPath(shown(uri)))?;
    Ok(Forward {
        stream: Some(stream),
        ..Forward::plain(Dialect::GeminiCli, endpoint, &format!("/v1internal:{action}"))
    })
}

fn action_of(action: &str) -> Option<(Endpoint, bool)> {
    match action {
        "generateContent" => Some((Endpoint::Generate, false)),
        "streamGenerateContent" => Some((Endpoint::Generate, true)),
        "countTokens" => Some((Endpoint::CountTokens, false)),
        "embedContent" | "batchEmbedContents" => Some((Endpoint::Other, false)),
        _ => None,
    }
}

/// The dialect to answer in before the path is known to be anything.
pub(crate) fn guess_dialect(uri: &Uri, headers: &HeaderMap) -> Dialect {
    let path = uri.path();
    if headers.contains_key("anthropic-version") || path.contains("/messages") {
        Dialect::Claude
    } else if headers.contains_key("x-goog-api-key")
        || path.contains("/v1beta")
        || path.contains("v1internal")
    {
        Dialect::Gemini
    } else if path.contains("/responses") {
        Dialect::Responses
    } else {
        Dialect::OpenAi
    }
}

/// The path as an error may show it: without the query, which can hold a key, and not too long.
fn shown(uri: &Uri) -> String {
    uri.path().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &str, path: &str) -> Result<Route, ProxyError> {
        recognise(&method.parse().unwrap(), &path.parse().unwrap(), &HeaderMap::new())
    }

    fn forward(path: &str) -> Forward {
        match of("POST", path).unwrap() {
            Route::Forward(forward) => forward,
            other => panic!("{path} is {other:?}"),
        }
    }

    #[test]
    fn slashes_queries_and_doubled_versions_do_not_matter() {
        for path in [
            "/v1/messages",
            "/v1/messages/",
            "//v1//messages?beta=true",
            "/v1/v1/messages",
            "/api/v1/messages",
        ] {
            let forward = forward(path);
            assert_eq!((forward.dialect, forward.path.as_str()), (Dialect::Claude, "/v1/messages"), "{path}");
        }
    }

    #[test]
    fn gemini_paths_name_model_action_and_streaming() {
        for version in ["v1", "v1beta"] {
            let call = forward(&format!("/{version}/models/gemini-3-pro:streamGenerateContent?alt=sse"));
            assert_eq!(call.model.as_deref(), Some("gemini-3-pro"));
            assert_eq!((call.endpoint, call.stream), (Endpoint::Generate, Some(true)));
            assert_eq!(call.path, format!("/{version}/models/gemini-3-pro:streamGenerateContent"));
        }
        let count = forward("/v1internal:countTokens");
        assert_eq!((count.dialect, count.endpoint), (Dialect::GeminiCli, Endpoint::CountTokens));
    }

    #[test]
    fn lists_of_models_come_in_the_dialect_that_the_headers_speak() {
        let with = |path: &str, header: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header, "x".parse().unwrap());
            recognise(&Method::GET, &path.parse().unwrap(), &headers).unwrap()
        };
        let models = |dialect, model: Option<&str>| {
            Route::Models(ModelsCall { dialect, model: model.map(str::to_owned) })
        };
        assert_eq!(with("/v1/models", "anthropic-version"), models(Dialect::Claude, None));
        assert_eq!(with("/v1/models?limit=9", "x-goog-api-key"), models(Dialect::Gemini, None));
        assert_eq!(with("/v1/models/", "x-api-key"), models(Dialect::OpenAi, None));
        assert_eq!(with("/v1beta/models", "x-api-key"), models(Dialect::Gemini, None));
        assert_eq!(with("/v1/models/a/b%2Ec", "x-api-key"), models(Dialect::OpenAi, Some("a/b.c")));
        assert!(matches!(of("POST", "/v1/models"), Err(ProxyError::WrongMethod("GET"))));
    }

    #[test]
    fn gemini_without_a_model_in_its_path_has_it_in_the_body() {
        let call = forward("/v1/generateContent");
        assert_eq!((call.dialect, call.model.as_deref()), (Dialect::Gemini, None));
        assert_eq!(call.path, "/v1beta/models/:generateContent");
        assert_eq!(forward("/v1beta/models/e:embedContent").endpoint, Endpoint::Other);
    }

    #[test]
    fn what_is_not_served_says_so() {
        assert!(matches!(of("GET", "/v1/messages"), Err(ProxyError::WrongMethod("POST"))));
        assert!(matches!(of("POST", "/v1/nothing"), Err(ProxyError::UnknownPath(_))));
        assert!(matches!(of("GET", "/v1/files/../messages"), Err(ProxyError::UnknownPath(_))));
        assert!(matches!(of("POST", "/v1/models/m:paint"), Err(ProxyError::UnknownPath(_))));
        let mut upgrade = HeaderMap::new();
        upgrade.insert("upgrade", "websocket".parse().unwrap());
        let answer = recognise(&Method::GET, &"/v1/responses".parse().unwrap(), &upgrade);
        assert!(matches!(answer, Err(ProxyError::WebSocket)));
    }
}
