//! From a path to a dialect and a call.

use hub_types::Dialect;
use serde::{Deserialize, Serialize};

/// What a caller wants, apart from the dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// An answer of the model.
    Generate,
    /// The number of tokens in a request.
    CountTokens,
    /// Anything else a vendor serves (embeddings, files, stored responses…); answered with a short JSON object
    /// that says what was received.
    Other,
}

/// How a stream is framed on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Framing {
    /// Server-sent events.
    Sse,
    /// One JSON array whose elements arrive one by one (Gemini without `alt=sse`).
    Array,
}

/// What a path says about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) call: Call,
    /// The model, where the path names it.
    pub(crate) model: Option<&'a str>,
    /// Streaming or not, where the path says so; else the body does.
    pub(crate) stream: Option<bool>,
    pub(crate) framing: Framing,
}

impl<'a> Route<'a> {
    /// Reads a path. `None`: no vendor serves it. Strict on purpose: a doubled slash or `/v1/v1` is the hub's
    /// mistake and must be seen.
    pub(crate) fn find(path: &'a str, query: Option<&str>) -> Option<Self> {
        let plain = |dialect, call| Self { dialect, call, model: None, stream: None, framing: Framing::Sse };
        let route = match path {
            "/v1/messages" => plain(Dialect::Claude, Call::Generate),
            "/v1/messages/count_tokens" => plain(Dialect::Claude, Call::CountTokens),
            "/v1/chat/completions" => plain(Dialect::OpenAi, Call::Generate),
            "/v1/responses" => plain(Dialect::Responses, Call::Generate),
            _ => {
                if let Some(action) = path.strip_prefix("/v1internal:") {
                    return Self::gemini(Dialect::GeminiCli, None, action, query);
                }
                let models =
                    path.strip_prefix("/v1beta/models/").or_else(|| path.strip_prefix("/v1/models/"));
                if let Some((model, action)) = models.and_then(|rest| rest.rsplit_once(':')) {
                    return Self::gemini(Dialect::Gemini, Some(model), action, query);
                }
                return Self::other(path).map(|dialect| plain(dialect, Call::Other));
            }
        };
        Some(route)
    }

    fn gemini(dialect: Dialect, model: Option<&'a str>, action: &str, query: Option<&str>) -> Option<Self> {
        let (call, stream) = match action {
            "generateContent" => (Call::Generate, false),
            "streamGenerateContent" => (Call::Generate, true),
            "countTokens" => (Call::CountTokens, false),
            "embedContent" | "batchEmbedContents" | "loadCodeAssist" | "onboardUser" => (Call::Other, false),
            _ => return None,
        };
        let sse = query.is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse"));
        let framing = if sse { Framing::Sse } else { Framing::Array };
        Some(Self { dialect, call, model, stream: Some(stream), framing })
    }

    fn other(path: &str) -> Option<Dialect> {
        const OPENAI: [&str; 6] =
            ["/v1/completions", "/v1/embeddings", "/v1/images", "/v1/audio", "/v1/moderations", "/v1/files"];
        let under =
            |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if OPENAI.into_iter().any(under) {
            return Some(Dialect::OpenAi);
        }
        under("/v1/responses").then_some(Dialect::Responses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_has_its_paths() {
        for (path, dialect, call) in [
            ("/v1/messages", Dialect::Claude, Call::Generate),
            ("/v1/messages/count_tokens", Dialect::Claude, Call::CountTokens),
            ("/v1/chat/completions", Dialect::OpenAi, Call::Generate),
            ("/v1/embeddings", Dialect::OpenAi, Call::Other),
            ("/v1/files/f-1/content", Dialect::OpenAi, Call::Other),
            ("/v1/responses", Dialect::Responses, Call::Generate),
            ("/v1/responses/resp_1", Dialect::Responses, Call::Other),
            ("/v1beta/models/gemini-3-pro:generateContent", Dialect::Gemini, Call::Generate),
            ("/v1/models/gemini-3-pro:countTokens", Dialect::Gemini, Call::CountTokens),
            ("/v1internal:streamGenerateContent", Dialect::GeminiCli, Call::Generate),
        ] {
            let route = Route::find(path, None).unwrap();
            assert_eq!((route.dialect, route.call), (dialect, call), "{path}");
        }
        for path in [
            "/",
            "/v1/v1/messages",
            "/v1//messages",
            "/v1/messages/",
            "/v1beta/models/x:fly",
            "/v1/filesystem",
        ] {
            assert_eq!(Route::find(path, None), None, "{path}");
        }
    }

    #[test]
    fn gemini_says_model_stream_and_framing_in_its_address() {
        let path = "/v1beta/models/tuned/a:b:streamGenerateContent";
        let route = Route::find(path, Some("key=1&alt=sse")).unwrap();
        assert_eq!(route.model, Some("tuned/a:b"));
        assert_eq!((route.stream, route.framing), (Some(true), Framing::Sse));
        assert_eq!(Route::find(path, None).unwrap().framing, Framing::Array);
    }
}
