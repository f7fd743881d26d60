//! Which headers pass, in each direction.
//!
//! End-to-end headers pass as they are. What never passes: hop-by-hop headers, framing (it is recomputed),
//! credentials and cookies, and whatever tells an upstream where the client sits.

use http::header::{
    ACCEPT, ACCEPT_ENCODING, ALT_SVC, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT,
    HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, PROXY_AUTHENTICATE, SET_COOKIE, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use hub_formats::convert::LossReport;
use hub_types::Dialect;

use crate::credentials::CREDENTIAL_HEADERS;

const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    EXPECT,
];
/// What an answer does not bring along besides.
const OF_THE_UPSTREAM: [HeaderName; 4] = [CONTENT_LENGTH, SET_COOKIE, ALT_SVC, LOCATION];

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

/// How the names begin of headers that are a part of one vendor's interface, or of its own client's way of using
/// it.
const OF_A_VENDOR: [&str; 9] = [
    "anthropic-",
    "openai-",
    "chatgpt-",
    "x-stainless-",
    "x-goog-",
    "x-claude-",
    "x-codex-",
    "x-openai-",
    "x-gemini-",
];
/// The same, for names that are no family.
const OF_A_CLIENT: [&str; 9] = [
    "x-app",
    "originator",
    "version",
    "session_id",
    "session-id",
    "conversation_id",
    "thread-id",
    "x-session-id",
    "x-session-affinity",
];

/// The version of Claude's interface that converted requests are written for.
const CLAUDE_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

/// What the request lost on its way into the provider's dialect.
const LOSSY: HeaderName = HeaderName::from_static("x-hub-lossy");
/// Clients and proxies bound the size of heads.
const MAX_LOSSY_BYTES: usize = 1024;

/// The codes, separated by commas, as many as there is room for.
fn lossy(losses: &LossReport) -> Option<HeaderValue> {
    let mut codes = String::new();
    for loss in losses.iter() {
        if codes.len() + loss.code.len() < MAX_LOSSY_BYTES {
            codes.push_str(if codes.is_empty() { "" } else { "," });
            codes.push_str(&loss.code);
        }
    }
    HeaderValue::try_from(codes).ok().filter(|codes| !codes.is_empty())
}

fn stays_here(name: &HeaderName) -> bool {
    if HOP_BY_HOP.contains(name) {
        return true;
    }
    let name = name.as_str();
    CREDENTIAL_HEADERS.contains(&name)
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

/// The headers of a request that was said in another dialect, that of the provider: what belongs to the client's
/// vendor stays behind, and the body is described anew.
pub(crate) fn to_foreign_upstream(
    client: &HeaderMap,
    host: &HeaderValue,
    own: &HeaderMap,
    dialect: Dialect,
    is_stream: bool,
) -> HeaderMap {
    let mut headers = to_upstream(client, host, own);
    let foreign: Vec<HeaderName> = headers
        .keys()
        .filter(|name| {
            let text = name.as_str();
            let is_foreign = OF_A_VENDOR.iter().any(|start| text.starts_with(start))
                || OF_A_CLIENT.contains(&text)
                || [ACCEPT, CONTENT_TYPE].contains(name);
            is_foreign && !own.contains_key(*name)
        })
        .cloned()
        .collect();
    for name in foreign {
        headers.remove(name);
    }
    let accepted = if is_stream { "text/event-stream" } else { "application/json" };
    let json = HeaderValue::from_static("application/json");
    headers.entry(ACCEPT).or_insert(HeaderValue::from_static(accepted));
    headers.insert(CONTENT_TYPE, json);
    if dialect == Dialect::Claude {
        headers.entry("anthropic-version").or_insert(CLAUDE_VERSION);
    }
    headers
}

/// The head of an answer that was said in another dialect than the provider's: its own length, kind and cookies
/// are about bytes that the client does not get, and what else its vendor says is not the client's vendor's.
pub(crate) fn to_foreign_client(upstream: &HeaderMap, is_stream: bool, losses: &LossReport) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for name in ["retry-after", "x-should-retry"] {
        headers.extend(upstream.get(name).map(|value| (HeaderName::from_static(name), value.clone())));
    }
    headers.extend(lossy(losses).map(|codes| (LOSSY, codes)));
    if is_stream {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
        headers.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    } else {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    headers
}

/// The headers of an answer to a client. Its length is left to the body that really follows: an upstream can
/// announce one and frame by another.
pub(crate) fn to_client(upstream: HeaderMap, body_is_unchanged: bool) -> HeaderMap {
    let dropped = named_by_connection(&upstream);
    let mut headers = upstream;
    for name in HOP_BY_HOP.into_iter().chain(OF_THE_UPSTREAM).chain(dropped) {
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
    fn a_request_in_another_dialect_leaves_behind_what_belongs_to_the_clients_vendor() {
        let client = map(&[
            ("user-agent", "claude-cli/2.1"),
            ("anthropic-beta", "a,b"),
            ("anthropic-version", "2026-10-21"),
            ("x-stainless-os", "Linux"),
            ("x-claude-code-session-id", "s"),
            ("x-app", "cli"),
            ("accept", "application/json"),
            ("content-type", "text/plain"),
            ("x-team", "blue"),
            ("x-api-key", "cch_secret"),
        ]);
        let host = HeaderValue::from_static("up:1");
        let own = map(&[("x-api-key", "sk-vendor"), ("anthropic-beta", "c")]);
        let sent = to_foreign_upstream(&client, &host, &own, Dialect::Claude, true);
        let expected = map(&[
            ("host", "up:1"),
            ("user-agent", "claude-cli/2.1"),
            ("x-team", "blue"),
            ("accept-encoding", "identity"),
            ("x-api-key", "sk-vendor"),
            ("anthropic-beta", "c"),
            ("accept", "text/event-stream"),
            ("content-type", "application/json"),
            ("anthropic-version", "2023-06-01"),
        ]);
        assert_eq!(sent, expected);
        let sent = to_foreign_upstream(&client, &host, &HeaderMap::new(), Dialect::OpenAi, false);
        assert_eq!(sent.get("anthropic-version"), None);
        assert_eq!(sent["accept"], "application/json");
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
