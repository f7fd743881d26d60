//! The proxy in front of a provider: what its URL may be, and how it is shown.

use url::Url;

/// Checks a proxy URL. The error never repeats the URL: there may be a password in it.
pub(crate) fn check_proxy_url(text: &str) -> Result<(), &'static str> {
    const SCHEMES: &str = "must begin with http://, https://, socks5:// or socks5h://";
    if !text.contains("://") {
        return Err(SCHEMES);
    }
    let url = Url::parse(text).map_err(|_| "is not a URL")?;
    if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") {
        return Err(SCHEMES);
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("names no host");
    }
    Ok(())
}

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
    fn proxies_name_their_scheme_and_hide_their_password() {
        for url in ["http://p:1", "https://p", "socks5://u:secret@p:1080", "socks5h://p"] {
            assert_eq!(check_proxy_url(url), Ok(()), "{url}");
            assert!(!mask_proxy_url(url).contains("secret"));
        }
        for url in ["p:1080", "127.0.0.1:1", "socks4://p", "socks5://"] {
            assert!(check_proxy_url(url).is_err(), "{url}");
        }
        assert_eq!(mask_proxy_url("socks5://u:secret@p:1080"), "socks5://u:***@p:1080");
    }
}
