//! From a provider's base URL and the client's path to what is called there.

use url::{Url, form_urlencoded};

/// Path and query to call at the base's origin. What the base path and the request path have in common where they
/// meet is not doubled, and a version that the base names stands in for the request's. The query is the client's
/// without `key` (that would be a hub key), over the base's own.
pub fn upstream_target(base: &Url, path: &str, query: Option<&str>) -> String {
    let base_path = base.path().trim_end_matches('/');
    let own = segments(base_path);
    let wanted = segments(path);
    let mut target = String::with_capacity(base_path.len() + path.len() + query.map_or(0, str::len) + 2);
    target.push_str(base_path);
    for segment in wanted.iter().skip(overlap(&own, &wanted)) {
        target.push('/');
        target.push_str(segment);
    }
    if target.is_empty() {
        target.push('/');
    }
    let client: Vec<&str> = pairs(query).filter(|pair| name(pair) != "key").collect();
    let defaults = pairs(base.query()).filter(|own| !client.iter().any(|pair| name(pair) == name(own)));
    let mut separator = '?';
    for pair in defaults.chain(client.iter().copied()) {
        target.push(separator);
        target.push_str(pair);
        separator = '&';
    }
    target
}

fn segments(path: &str) -> Vec<&str> {
    path.split('/').filter(|segment| !segment.is_empty()).collect()
}

/// How many of the wanted segments the base has already.
fn overlap(own: &[&str], wanted: &[&str]) -> usize {
    let common = (1..=wanted.len().min(own.len()))
        .rev()
        .find(|&count| own.get(own.len() - count..) == wanted.get(..count));
    if let Some(count) = common {
        return count;
    }
    let (Some(last), Some((version, endpoint))) = (own.last(), wanted.split_first()) else { return 0 };
    if !is_version(version) {
        return 0;
    }
    // The base is the whole endpoint under another version, or none.
    if !endpoint.is_empty() && own.ends_with(endpoint) {
        return wanted.len();
    }
    usize::from(is_version(last))
}

/// `v1`, `v1beta`, `v4`, …
fn is_version(segment: &str) -> bool {
    let mut characters = segment.chars();
    characters.next() == Some('v')
        && characters.next().is_some_and(|digit| digit.is_ascii_digit())
        && characters.all(|character| character.is_ascii_alphanumeric())
        && segment.len() <= 10
}

fn pairs(query: Option<&str>) -> impl Iterator<Item = &str> {
    query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty())
}

/// A pair's name, decoded: `%6bey` is `key`, too.
fn name(pair: &str) -> String {
    form_urlencoded::parse(pair.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}
