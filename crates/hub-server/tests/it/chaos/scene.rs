//! Where a storm takes place: the stores, two hubs on them, six simulated vendors with ten providers, and a key.

use hub_lab::{Lab, LabConfig};
use hub_testkit::{Postgres, Redis, TestDatabase};
use hub_types::Dialect;
use serde_json::json;

use super::speech::provider_type;
use crate::harness::{Admin, Hub, Look, Site};

/// See the module's documentation.
pub(super) struct Scene {
    pub(super) postgres: Postgres,
    pub(super) database: TestDatabase,
    pub(super) redis: Redis,
    pub(super) sites: Vec<Site>,
    pub(super) hubs: Vec<Hub>,
    pub(super) labs: Vec<Lab>,
    /// By their ids.
    pub(super) providers: Vec<i64>,
    pub(super) user: i64,
    pub(super) key: String,
}

const LABS: usize = 6;
/// Which labs stand behind the providers of each dialect.
const BEHIND: [(Dialect, &[usize]); 4] = [
    (Dialect::Claude, &[0, 1, 2]),
    (Dialect::OpenAi, &[2, 3]),
    (Dialect::Responses, &[3, 4, 5]),
    (Dialect::Gemini, &[4, 5]),
];
/// Nobody waits long for what comes back soon, and no session is remembered for the whole of a long storm.
const SETTINGS: [(&str, &str); 6] = [
    ("MAX_PROVIDER_PAUSE_MS", "1000"),
    ("SESSION_TTL", "8"),
    ("SESSION_TTL_SECONDS", "8"),
    ("SESSION_RENEW_THRESHOLD_SECONDS", "4"),
    ("REDIS_COMMAND_TIMEOUT_MS", "200"),
    ("RESERVATION_TTL_MS", "4000"),
];

impl Scene {
    pub(super) async fn build() -> Self {
        let (postgres, redis) = (Postgres::start().await.unwrap(), Redis::start().await.unwrap());
        let database = postgres.fresh_database().await.unwrap();
        let site = || {
            let site = Site::on(&database.dsn).with("REDIS_URL", &redis.url());
            SETTINGS.iter().fold(site, |site, (name, value)| site.with(name, value))
        };
        let sites = vec![site(), site()];
        let first = sites[0].start().await;
        let admin = Admin(first.address);
        let mut labs = Vec::new();
        for _ in 0..LABS {
            let config = LabConfig { keep: usize::MAX, hash: false, ..LabConfig::default() };
            labs.push(Lab::start(config).await.unwrap());
        }
        let mut providers = Vec::new();
        for (dialect, places) in BEHIND {
            for (rank, place) in places.iter().enumerate() {
                providers.push(add_provider(admin, dialect, rank, *place, &labs[*place]).await);
            }
        }
        let user = admin.post("/users", json!({"name": "ada", "limit_total_usd": "1000000"})).await;
        let user = user["id"].as_i64().unwrap();
        let key = admin.post(&format!("/users/{user}/keys"), json!({"name": "laptop"})).await;
        let key = key["key"].as_str().unwrap().to_owned();
        let second = sites[1].start().await;
        let hubs = vec![first, second];
        for hub in &hubs {
            hub.until_redis_is("up").await;
        }
        Self { postgres, database, redis, sites, hubs, labs, providers, user, key }
    }

    pub(super) fn admins(&self) -> impl Iterator<Item = Admin> {
        self.hubs.iter().map(|hub| Admin(hub.address))
    }

    /// How the hubs' processes stand.
    pub(super) fn look(&self) -> Vec<Look> {
        self.hubs.iter().map(Hub::look).collect()
    }
}

async fn add_provider(admin: Admin, dialect: Dialect, rank: usize, place: usize, lab: &Lab) -> i64 {
    let name = format!("{}-{place}", provider_type(dialect));
    let fields = json!({
        "name": name, "url": lab.url(), "provider_type": provider_type(dialect),
        "credential": "sk-simulated-credential", "priority": rank / 2, "weight": 1 + rank,
        "timeout_first_byte": 1000, "timeout_idle": 1000, "timeout_request": 2000,
        "open_duration_ms": 1000, "on_client_abort": if rank == 0 { "drain" } else { "cancel" },
    });
    admin.post("/providers", fields).await["id"].as_i64().unwrap()
}
