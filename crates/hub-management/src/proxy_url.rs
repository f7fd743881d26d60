//! The proxy in front of a provider: how its URL is shown.

use url::Url;

/// A proxy URL for people: its password is starred out.
pub(crate) fn mask_proxy_url(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return MASK.to_owned() };
    if url.password().is_some() && url.set_password(Some(MASK)).is_err() {
        return MASK.to_owned();
    }
    url.to_string()
}

/// What a password looks like to people.
pub(crate) const MASK: &str = "***";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_starred_out() {
        for url in ["http://p:1", "socks5://u:secret@p:1080", "socks5h://u:secret@p", "no url: secret"] {
            assert!(!mask_proxy_url(url).contains("secret"), "{url}");
        }
        assert_eq!(mask_proxy_url("socks5://u:secret@p:1080"), "socks5://u:***@p:1080");
    }
}
