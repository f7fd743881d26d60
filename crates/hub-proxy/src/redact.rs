//! Taking out of an upstream's answer what a client must not see: our credential there, and where "there" is.

use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use memchr::memmem;

const MARK: &[u8] = b"[redacted]";

/// Replaces every occurrence of each secret. A text that holds none is handed back as it is.
pub(crate) fn redact(text: Bytes, secrets: &[Vec<u8>]) -> Bytes {
    let is_clean = |secret: &Vec<u8>| secret.is_empty() || memmem::find(&text, secret).is_none();
    if secrets.iter().all(is_clean) {
        return text;
    }
    let mut text = text.to_vec();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        let mut clean = Vec::with_capacity(text.len());
        let mut from = 0;
        for at in memmem::find_iter(&text, secret) {
            clean.extend_from_slice(text.get(from..at).unwrap_or_default());
            clean.extend_from_slice(MARK);
            from = at + secret.len();
        }
        clean.extend_from_slice(text.get(from..).unwrap_or_default());
        text = clean;
    }
    text.into()
}

/// Removes headers that hold a secret: what is left of such a value would be of no use to anybody.
pub(crate) fn strip(headers: &mut HeaderMap, secrets: &[Vec<u8>]) {
    let holds_one = |value: &[u8]| {
        secrets.iter().any(|secret| !secret.is_empty() && memmem::find(value, secret).is_some())
    };
    let tainted: Vec<HeaderName> = headers
        .iter()
        .filter(|(_, value)| holds_one(value.as_bytes()))
        .map(|(name, _)| name.clone())
        .collect();
    for name in tainted {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_with_a_secret_go_and_the_rest_stays() {
        let secrets = [b"sk-vendor".to_vec(), b"relay.example:8080".to_vec(), Vec::new()];
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-debug", "key=sk-vendor"),
            ("x-list", "clean"),
            ("x-list", "not sk-vendor"),
            ("location", "http://relay.example:8080/v1"),
            ("retry-after", "7"),
        ] {
            headers.append(name, value.parse().unwrap());
        }
        strip(&mut headers, &secrets);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["retry-after"]);
    }

    #[test]
    fn secrets_go_and_the_rest_stays() {
        let secrets = [b"sk-vendor".to_vec(), b"relay.example:8080".to_vec(), Vec::new()];
        let text = Bytes::from_static(b"bad key sk-vendor at http://relay.example:8080/v1, sk-vendor");
        assert_eq!(redact(text, &secrets), "bad key [redacted] at http://[redacted]/v1, [redacted]");
        let clean = Bytes::from_static(b"nothing here");
        assert_eq!(redact(clean.clone(), &secrets).as_ptr(), clean.as_ptr());
    }
}
