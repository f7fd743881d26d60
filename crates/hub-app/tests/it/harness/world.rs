//! A hub in a temporary directory: seeded first, then started, so that nothing has to be waited for.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hub_app::{App, Drained, Parts};
use hub_config::Config;
use hub_lab::{Entry, Lab, LabConfig};
use hub_management::view::RequestDetailView;
use hub_management::{ListQuery, Management, ManagementError, Principal, Settings};
use hub_repository::{Sealer, SqliteRepository, SqliteSettings};
use hub_types::{Dialect, KeyId, ProviderId, SystemClock, UserId};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::speech;

/// How long anything is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// The admin token of every hub here, unless a test sets another.
pub(crate) const ADMIN_TOKEN: &str = "admin-token-of-the-tests";

/// The person who sets up a hub.
pub(crate) const ME: Principal = Principal::cli();

/// A hub that is not started yet.
pub(crate) struct Setup {
    directory: TempDir,
    variables: BTreeMap<&'static str, String>,
    repository: Arc<SqliteRepository>,
    management: Management,
}

/// A key and its row.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) id: KeyId,
    pub(crate) text: String,
}

impl Setup {
    pub(crate) async fn new() -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let directory = tempfile::tempdir().unwrap();
        let settings = SqliteSettings::new(directory.path().join("hub.db"), Sealer::new([0x11; 32]));
        let repository = Arc::new(SqliteRepository::open(settings).await.unwrap());
        let management = Management::new(
            Arc::clone(&repository) as Arc<_>,
            Arc::new(SystemClock),
            Settings {
                admin_token: None,
                auth_session_ttl: SignedDuration::from_hours(1),
                allow_private_upstreams: true,
            },
        );
        let variables = BTreeMap::from([
            ("DATA_DIR", directory.path().to_str().unwrap().to_owned()),
            ("ADMIN_TOKEN", ADMIN_TOKEN.to_owned()),
            ("MASTER_KEY", "11".repeat(32)),
            ("APP_PORT", "0".to_owned()),
            ("SHUTDOWN_DRAIN_MS", "5000".to_owned()),
        ]);
        Self { directory, variables, repository, management }
    }

    /// Sets a variable of the configuration.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.variables.insert(name, value.into());
    }

    pub(crate) async fn user(&self, fields: Value) -> UserId {
        self.management.create_user(&ME, &object(fields)).await.unwrap().id
    }

    pub(crate) async fn key(&self, owner: UserId, fields: Value) -> Key {
        let made = self.management.create_key(&ME, owner, &object(fields)).await.unwrap();
        Key { id: made.view.id, text: made.key }
    }

    /// A user with a key that may do everything.
    pub(crate) async fn member(&self) -> Key {
        let ada = self.user(json!({ "name": "ada" })).await;
        self.key(ada, json!({ "name": "laptop" })).await
    }

    pub(crate) async fn provider(&self, fields: Value) -> ProviderId {
        self.management.create_provider(&ME, &object(fields)).await.unwrap().id
    }

    /// A provider of this dialect with more fields over the usual ones. It serves no other dialect unless they say
    /// so: most tests are about one.
    pub(crate) async fn provider_for(
        &self,
        dialect: Dialect,
        name: &str,
        url: &str,
        more: Value,
    ) -> ProviderId {
        let mut fields = object(json!({
            "name": name,
            "url": url,
            "provider_type": speech::provider_type(dialect),
            "credential": "sk-vendor-credential",
            "conversion": "never",
        }));
        fields.append(&mut object(more));
        self.provider(Value::Object(fields)).await
    }

    /// One provider for each dialect, all of them at this address.
    pub(crate) async fn providers(&self, url: &str) {
        for dialect in Dialect::ALL {
            self.provider_for(dialect, dialect.as_str(), url, json!({})).await;
        }
    }

    pub(crate) async fn group(&self, fields: Value) {
        self.management.create_provider_group(&ME, &object(fields)).await.unwrap();
    }

    /// The configuration as it stands.
    pub(crate) fn config(&self) -> Config {
        Config::from_lookup(&|name| self.variables.get(name).cloned()).unwrap()
    }

    pub(crate) async fn start(self) -> Hub {
        self.repository.close().await;
        let config = self.config();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let app = App::start(Parts { config, listener }).await.unwrap();
        Hub { address: app.address(), app, directory: self.directory }
    }
}

/// A running hub.
pub(crate) struct Hub {
    pub(crate) address: SocketAddr,
    pub(crate) app: App,
    directory: TempDir,
}

impl Hub {
    pub(crate) fn management(&self) -> &Management {
        self.app.management()
    }

    pub(crate) fn data_dir(&self) -> &Path {
        self.directory.path()
    }

    /// Whatever is held against the provider of this name is forgotten.
    pub(crate) async fn forgive(&self, name: &str) {
        let providers = self.management().list_providers(&ME, &ListQuery::default()).await.unwrap().items;
        let provider = providers.iter().find(|provider| provider.fields.name == name).unwrap();
        self.management().reset_breaker(&ME, provider.id).await.unwrap();
    }

    /// The record of a request, as soon as it is in the database.
    pub(crate) async fn record(&self, id: &str) -> RequestDetailView {
        let id = id.parse().unwrap();
        let looking = async {
            loop {
                match self.management().show_request(&ME, id).await {
                    Ok(record) => return record,
                    Err(ManagementError::NotFound) => tokio::time::sleep(Duration::from_millis(10)).await,
                    Err(error) => panic!("{error}"),
                }
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("no record of {id}"))
    }

    /// Ends it; the directory stays until the second value is dropped.
    pub(crate) async fn shut_down(self) -> (Drained, TempDir) {
        (self.app.shut_down().await, self.directory)
    }
}

/// The usual world: a hub, one lab behind all its providers, one member.
pub(crate) struct World {
    pub(crate) hub: Hub,
    pub(crate) lab: Lab,
    pub(crate) key: Key,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With some variables set.
    pub(crate) async fn with(variables: &[(&'static str, &str)]) -> Self {
        let (mut setup, lab) = (Setup::new().await, lab().await);
        for (name, value) in variables {
            setup.set(name, *value);
        }
        setup.providers(&lab.url()).await;
        let key = setup.member().await;
        Self { hub: setup.start().await, lab, key }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.hub.address
    }

    /// What the lab remembers of a request, once its answer has ended.
    pub(crate) async fn witnessed(&self, lab_id: &str) -> Entry {
        witnessed(&self.lab, lab_id).await
    }
}

/// A lab on a free port.
pub(crate) async fn lab() -> Lab {
    Lab::start(LabConfig::default()).await.unwrap()
}

/// What a lab remembers of a request, once its answer has ended.
pub(crate) async fn witnessed(lab: &Lab, lab_id: &str) -> Entry {
    let ended = || lab.witness().get(lab_id).filter(|entry| entry.finished_us.is_some());
    assert!(
        lab.witness().wait_until(PATIENCE, |_| ended().is_some()).await,
        "the lab never answered {lab_id}"
    );
    ended().unwrap()
}

/// A JSON object as the use cases take it.
pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}
