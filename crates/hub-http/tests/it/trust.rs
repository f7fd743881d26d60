//! Whom TLS trusts by default.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use hub_http::{
    ConnectError, Origin, Route, UpstreamClient, UpstreamError, UpstreamSettings, tls_client_config,
};

use crate::peer::{Identity, Peer, Speaks, post, read};

const ADDRESS: &str = "TRUST_TEST_ADDRESS";

/// Runs [`the_process_of_its_own`], which sees this file as `SSL_CERT_FILE`.
fn asks_trusting(file: &Path, address: &str) -> bool {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "trust::the_process_of_its_own"])
        .env("SSL_CERT_FILE", file)
        .env_remove("SSL_CERT_DIR")
        .env(ADDRESS, address)
        .output()
        .unwrap();
    output.status.success()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_of_ssl_cert_file_are_trusted_and_others_are_not() {
    let (own, other) = (Arc::new(Identity::new()), Identity::new());
    let peer = Peer::start_as(Speaks::Tls(&["http/1.1"]), Arc::clone(&own), 0).await;
    let address = peer.origin().host_header();
    for (name, pem, is_trusted) in [("its-own", own.pem(), true), ("another", other.pem(), false)] {
        let file =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("trust-{name}-{}.pem", std::process::id()));
        std::fs::write(&file, pem).unwrap();
        let asked = {
            let (file, address) = (file.clone(), address.clone());
            tokio::task::spawn_blocking(move || asks_trusting(&file, &address))
        };
        assert_eq!(asked.await.unwrap(), is_trusted, "{name}");
        std::fs::remove_file(file).unwrap();
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "it is how this process is told what to do")]
async fn the_process_of_its_own() {
    let Ok(address) = std::env::var(ADDRESS) else { return };
    let (host, port) = address.split_once(':').unwrap();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = UpstreamClient::new(UpstreamSettings::new(tls_client_config()));
    let route = Route::direct(Origin::new(true, host, port.parse().unwrap()));
    match client.send(&route, post("/echo", "hello")).await {
        Ok(response) => assert_eq!(read(response).await.unwrap(), b"hello"),
        Err(UpstreamError::Connect(ConnectError::Tls(reason))) => panic!("not trusted: {reason}"),
        Err(other) => panic!("{other}"),
    }
}
