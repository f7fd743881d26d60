//! TLS towards databases, Redis and hubs: the system's roots, or the built-in ones where there are none.

use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt;
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;

use crate::failure::{Failure, Result};

/// A client's configuration.
pub(crate) fn config() -> Result<ClientConfig> {
    let builder = || {
        ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(Failure::failed)
    };
    let with_roots = match builder()?.with_native_roots() {
        Ok(with_roots) => with_roots,
        Err(_) => builder()?.with_webpki_roots(),
    };
    Ok(with_roots.with_no_client_auth())
}
