//! Which headers pass, in each direction.
//!
//! End-to-end headers pass as they are. What never passes: hop-by-hop headers, framing (it is recomputed),
//! credentials and cookies, and whatever tells an upstream where the client sits.

use http::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue,
};

use crate::credentials::CREDENTIAL_HEADERS;

const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
];

const ABOUT_THE_CLIENT: [&str; 9] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "client-ip",
    "true-client-ip",
    "x-cluster-client-ip",
    "x-original-forwarded-for",
    "cookie",
];

fn stays_here(name: &HeaderName) -> bool {
    let name = name.as_str();
    HOP_BY_HOP.contains(&name)
        || CREDENTIAL_HEADERS.contains(&name)
        || ABOUT_THE_CLIENT.contains(&name)
        || name.starts_with("x-forwarded-")
        || name.starts_with("cf-")
}

/// Headers that `Connection` declares to be hop-by-hop.
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let listed = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    listed.flat_map(|list| list.split(',')).filter_map(|name| name.trim().parse().ok()).collect()
}

/// The headers of a request to a provider. `own` are the provider's: its credential and custom headers; they
/// win over the client's.
pub(crate) fn to_upstream(client: &HeaderMap, host: &HeaderValue, own: &HeaderMap) -> HeaderMap {
    let dropped = named_by_connection(client);
    let mut headers = HeaderMap::with_capacity(client.len() + own.len() + 2);
    headers.insert(HOST, host.clone());
    for (name, value) in client {
        let framing = [HOST, CONTENT_LENGTH, CONTENT_ENCODING, ACCEPT_ENCODING].contains(name);
        if !framing && !stays_here(name) && !dropped.contains(name) && !own.contains_key(name) {
            headers.append(name.clone(), value.clone());
        }
    }
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    for (name, value) in own {
        headers.append(name.clone(), value.clone());
    }
    headers
}

/// The headers of an answer to a client. Its length is left to the body that really follows: an upstream can
/// announce one and frame by another.
pub(crate) fn to_client(upstream: HeaderMap, body_is_unchanged: bool) -> HeaderMap {
    let dropped = named_by_connection(&upstream);
    let mut headers = upstream;
    for name in HOP_BY_HOP.into_iter().chain(["content-length", "set-cookie", "alt-svc", "location"]) {
        headers.remove(name);
    }
    for name in dropped {
        headers.remove(name);
    }
    if !body_is_unchanged {
        headers.remove(CONTENT_ENCODING);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn identity_passes_and_credentials_stay() {
        let client = map(&[
            ("user-agent", "claude-cli/2.1"),
            ("anthropic-beta", "a,b"),
            ("x-stainless-os", "Linux"),
            ("x-claude-code-session-id", "s"),
            ("authorization", "Bearer cch_secret"),
            ("x-api-key", "cch_secret"),
            ("x-goog-api-key", "cch_secret"),
            ("cookie", "a=b"),
            ("x-forwarded-for", "1.2.3.4"),
            ("cf-connecting-ip", "1.2.3.4"),
            ("connection", "keep-alive, x-hop"),
            ("x-hop", "1"),
            ("transfer-encoding", "chunked"),
            ("accept-encoding", "gzip"),
            ("content-encoding", "zstd"),
        ]);
        let sent =
            to_upstream(&client, &HeaderValue::from_static("up:1"), &map(&[("x-api-key", "sk-vendor")]));
        let mut names: Vec<&str> = sent.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "accept-encoding",
                "anthropic-beta",
                "host",
                "user-agent",
                "x-api-key",
                "x-claude-code-session-id",
                "x-stainless-os"
            ]
        );
        assert_eq!(sent["x-api-key"], "sk-vendor");
        assert_eq!(sent["accept-encoding"], "identity");
    }

    #[test]
    fn framing_and_what_belongs_to_the_upstream_stay_behind() {
        let upstream = map(&[
            ("content-length", "5"),
            ("content-encoding", "gzip"),
            ("set-cookie", "a=b"),
            ("location", "http://upstream/"),
            ("retry-after", "7"),
        ]);
        let unchanged = map(&[("content-encoding", "gzip"), ("retry-after", "7")]);
        assert_eq!(to_client(upstream.clone(), true), unchanged);
        assert_eq!(to_client(upstream, false), map(&[("retry-after", "7")]));
    }
}
