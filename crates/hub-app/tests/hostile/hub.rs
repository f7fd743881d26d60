//! A whole hub on embedded stores, and what tests ask of it.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use hub_app::{App, Parts};
use hub_config::Config;
use hub_management::Principal;
use hub_types::UserId;

use crate::process::eventually;
use crate::wire;

/// See the module's documentation.
pub(crate) struct Hub {
    app: App,
    key: String,
    _scratch: TempDir,
}

/// The credential that the hub holds at every provider.
pub(crate) const VENDOR_CREDENTIAL: &str = "sk-vendor-credential-of-the-hub";

impl Hub {
    /// Starts a hub with one user, one key and `providers` (kind, URL).
    pub(crate) async fn start(settings: &[(&str, &str)], providers: &[(&str, String)]) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let data_dir = scratch.path().display().to_string();
        let look_up = |name: &str| match name {
            "DATA_DIR" => Some(data_dir.clone()),
            // Whatever a provider answers, it is asked again.
            "APP_PORT" | "PRICE_SYNC_INTERVAL_SECONDS" | "MAX_PROVIDER_PAUSE_MS" => Some("0".to_owned()),
            "SHUTDOWN_DRAIN_MS" => Some("5000".to_owned()),
            // Each case of a storm comes from an address of its own (see `wire`).
            "TRUSTED_PROXIES" => Some("none".to_owned()),
            name => settings.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
        };
        let config = Config::from_lookup(&look_up).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let app = App::start(Parts { config, listener }).await.unwrap();
        let key = seed(&app, providers).await;
        let hub = Self { app, key, _scratch: scratch };
        let loaded = eventually(Duration::from_secs(5), async || {
            let bodies = providers.iter().map(|(kind, _)| crate::bodies::Base::for_provider(kind));
            for base in bodies {
                let answers = wire::exchange(hub.address(), &base.wire(&hub.key, "")).await.answers;
                if answers.first().is_none_or(|answer| answer.status != 200) {
                    return false;
                }
            }
            true
        })
        .await;
        assert!(loaded, "good requests work before the storm");
        hub
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.app.address()
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// A figure of `/metrics`.
    pub(crate) async fn metric(&self, name: &str) -> i64 {
        let request = b"GET /metrics HTTP/1.1\r\nhost: hub\r\nconnection: close\r\n\r\n";
        let exchange = wire::exchange(self.address(), request).await;
        let page = String::from_utf8(exchange.answers[0].body.clone()).unwrap();
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {name} in {page}")).parse().unwrap()
    }

    /// Waits until no request is being answered.
    pub(crate) async fn is_at_rest(&self) -> bool {
        eventually(Duration::from_secs(5), async || self.metric("hub_requests_in_flight").await == 0).await
    }

    /// Drains it; no connection and no record may be left.
    pub(crate) async fn end(self) {
        let drained = self.app.shut_down().await;
        assert_eq!((drained.cut_connections, drained.left_in_journal), (0, 0));
    }
}

async fn seed(app: &App, providers: &[(&str, String)]) -> String {
    let me = Principal::cli();
    let management = app.management();
    let user = management.create_user(&me, &object(json!({ "name": "ada" }))).await.unwrap();
    let key =
        management.create_key(&me, UserId(user.id.0), &object(json!({ "name": "laptop" }))).await.unwrap();
    for (kind, url) in providers {
        let provider = json!({
            "name": format!("upstream-{kind}"),
            "url": url,
            "provider_type": kind,
            "credential": VENDOR_CREDENTIAL,
            "timeout_first_byte": 1000,
            "timeout_idle": 1000,
            "timeout_request": 1000,
            "on_client_abort": "cancel",
            "failure_threshold": 0,
            "conversion": "never",
        });
        management.create_provider(&me, &object(provider)).await.unwrap();
    }
    key.key
}

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(object) = value else { panic!("{value} is no object") };
    object
}
