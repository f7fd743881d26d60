//! Where a client's credential is found, and that it goes no further.

use http::header::AUTHORIZATION;
use http::{HeaderMap, Uri};
use percent_encoding::percent_decode_str;

use hub_types::Secret;

use crate::ProxyError;

/// The headers that may carry a credential. None of them ever goes upstream.
pub(crate) const CREDENTIAL_HEADERS: [&str; 5] =
    ["authorization", "x-api-key", "x-goog-api-key", "proxy-authorization", "api-key"];

/// The one credential of a request, whatever place it came in.
pub(crate) fn find(headers: &HeaderMap, uri: &Uri) -> Result<Secret, ProxyError> {
    let bearer = headers.get_all(AUTHORIZATION).iter().filter_map(|value| {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    });
    let plain = ["x-api-key", "x-goog-api-key"].into_iter().flat_map(|name| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok().map(|text| text.trim().to_owned()))
    });
    let mut found = bearer.chain(plain).chain(in_query(uri)).filter(|text| !text.is_empty()).map(Secret::new);
    let first = found.next().ok_or(ProxyError::MissingCredential)?;
    if found.all(|other| other.matches(first.expose())) {
        Ok(first)
    } else {
        Err(ProxyError::ConflictingCredentials)
    }
}

fn in_query(uri: &Uri) -> impl Iterator<Item = String> {
    uri.query().into_iter().flat_map(|query| query.split('&')).filter_map(|pair| {
        let value = pair.strip_prefix("key=")?;
        percent_decode_str(value).decode_utf8().ok().map(std::borrow::Cow::into_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            (name.parse::<http::HeaderName>().unwrap(), value.parse::<http::HeaderValue>().unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn every_place_is_looked_at() {
        for (pairs, uri) in [
            (vec![("authorization", "Bearer k1")], "/v1/messages"),
            (vec![("authorization", "bearer k1")], "/v1/messages"),
            (vec![("x-api-key", "k1")], "/v1/messages"),
            (vec![("x-goog-api-key", "k1")], "/v1/messages"),
            (vec![], "/v1beta/models/m:generateContent?alt=sse&key=k1"),
            (vec![("x-api-key", "k1"), ("authorization", "Bearer k1")], "/v1/messages?key=k1"),
        ] {
            assert_eq!(
                find(&headers(&pairs), &uri.parse().unwrap()).unwrap().expose(),
                "k1",
                "{pairs:?} {uri}"
            );
        }
    }

    #[test]
    fn two_different_values_are_refused() {
        let both = headers(&[("x-api-key", "k1"), ("authorization", "Bearer k2")]);
        assert!(matches!(find(&both, &"/".parse().unwrap()), Err(ProxyError::ConflictingCredentials)));
    }

    #[test]
    fn nothing_usable_is_nothing() {
        for pairs in [vec![], vec![("authorization", "Basic abc")], vec![("x-api-key", "  ")]] {
            let found = find(&headers(&pairs), &"/v1/messages?keys=1".parse().unwrap());
            assert!(matches!(found, Err(ProxyError::MissingCredential)), "{pairs:?}");
        }
    }
}
