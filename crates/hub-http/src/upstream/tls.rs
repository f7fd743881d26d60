//! TLS settings, and the default trust.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// Trusts the platform's roots (`SSL_CERT_FILE` included) or, where there are none, the bundled ones.
///
/// Needs a process-wide TLS provider, which the binary installs.
pub fn tls_client_config() -> Arc<ClientConfig> {
    let native = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(native.certs);
    if added == 0 {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

/// The same settings, with what is spoken within TLS.
pub(super) fn speaking(config: &ClientConfig, protocols: &[&[u8]]) -> Arc<ClientConfig> {
    let mut config = config.clone();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Arc::new(config)
}
