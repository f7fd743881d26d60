//! Calls that pass as they are to a provider of the client's own dialect: what OpenAI serves besides
//! conversations.

use http::Method;
use hub_types::{Dialect, Endpoint};

use super::{Forward, Kept, Route};
use crate::ProxyError;

const POST: &[Method] = &[Method::POST];

/// Are these segments, after `/v1`, such a call?
pub(super) fn serves(segments: &[&str]) -> bool {
    matches!(
        segments,
        ["completions" | "embeddings" | "moderations"]
            | ["images" | "audio" | "responses", _, ..]
            | ["files", ..]
    )
}

/// Recognises it by its method.
pub(super) fn recognise(method: &Method, segments: &[&str]) -> Result<Route, ProxyError> {
    let (dialect, about, methods, named): (_, _, &[Method], _) = match segments {
        ["responses", "compact" | "input_tokens"] => (Dialect::Responses, None, POST, "POST"),
        ["responses", id] => {
            let about = Some(Kept::Response((*id).to_owned()));
            (Dialect::Responses, about, &[Method::GET, Method::DELETE], "GET, DELETE")
        }
        ["responses", id, ..] => {
            let about = Some(Kept::Response((*id).to_owned()));
            (Dialect::Responses, about, &[Method::GET, Method::POST], "GET, POST")
        }
        ["files", ..] => {
            let methods = &[Method::GET, Method::POST, Method::DELETE];
            (Dialect::OpenAi, Some(Kept::Files), methods, "GET, POST, DELETE")
        }
        _ => (Dialect::OpenAi, None, POST, "POST"),
    };
    if !methods.contains(method) {
        return Err(ProxyError::WrongMethod(named));
    }
    let path = format!("/v1/{}", segments.join("/"));
    let plain = Forward::plain(dialect, Endpoint::Other, &path);
    Ok(Route::Forward(Forward { method: method.clone(), about, ..plain }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_has_its_methods() {
        let of = |method: &str, path: &str| {
            let segments: Vec<&str> = path.split('/').collect();
            assert!(serves(&segments), "{path}");
            recognise(&method.parse().unwrap(), &segments)
        };
        for (method, path, about) in [
            ("POST", "embeddings", None),
            ("POST", "images/generations", None),
            ("POST", "audio/transcriptions", None),
            ("POST", "responses/compact", None),
            ("GET", "files/f-1/content", Some(Kept::Files)),
            ("DELETE", "files/f-1", Some(Kept::Files)),
            ("GET", "responses/resp_1", Some(Kept::Response("resp_1".to_owned()))),
            ("POST", "responses/resp_1/cancel", Some(Kept::Response("resp_1".to_owned()))),
        ] {
            let Route::Forward(call) = of(method, path).unwrap() else { panic!("{path}") };
            assert_eq!((call.endpoint, call.about), (Endpoint::Other, about), "{path}");
            assert_eq!((call.method.as_str(), call.path), (method, format!("/v1/{path}")));
        }
        for (method, path) in [("GET", "embeddings"), ("PUT", "files/x"), ("POST", "responses/resp_1")] {
            assert!(matches!(of(method, path), Err(ProxyError::WrongMethod(_))), "{method} {path}");
        }
        assert!(!serves(&["filesystem"]) && !serves(&["images"]) && !serves(&["responses"]));
    }
}
