//! Some hubs on one database and one session store, and several simulated providers.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use hub_lab::{Behaviour, Lab, LabConfig, Scenario};
use hub_testkit::{Postgres, TestDatabase, WireTap};
use serde_json::{Value, json};

use crate::harness::{Admin, Answer, Connection, Hub, Site, eventually};

const PATIENCE: Duration = Duration::from_secs(30);
/// A machine that is busy with other tests must not make a hub go on without Redis.
const PATIENT: (&str, &str) = ("REDIS_COMMAND_TIMEOUT_MS", "10000");

/// See the module's documentation. What it holds ends with it.
pub(crate) struct Town {
    pub(crate) hubs: Vec<Hub>,
    pub(crate) sites: Vec<Site>,
    pub(crate) key: Key,
    pub(crate) user: i64,
    /// The providers' ids, with the lab behind each.
    pub(crate) providers: Vec<(i64, Lab)>,
    _database: TestDatabase,
}

/// A key of the town's one user.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) id: i64,
    pub(crate) text: String,
}

impl Town {
    /// Two hubs that share this Redis, and Claude providers with these fields over the usual ones.
    pub(crate) async fn build(redis: &str, settings: &[(&'static str, &str)], providers: &[Value]) -> Self {
        Self::build_between(redis, settings, providers, None).await
    }

    /// The same; the second hub has its database through a tap before [`Postgres::shared`].
    pub(crate) async fn build_between(
        redis: &str,
        settings: &[(&'static str, &str)],
        providers: &[Value],
        tap: Option<&WireTap>,
    ) -> Self {
        let postgres = Postgres::shared().await.unwrap();
        let database = postgres.fresh_database().await.unwrap();
        let site = |dsn: &str| {
            let site = Site::on(dsn).with("REDIS_URL", redis);
            [&[PATIENT], settings].concat().iter().fold(site, |site, (name, value)| site.with(name, value))
        };
        let port = |port: u16| format!(":{port}/");
        let tapped = tap.map(|tap| database.dsn.replace(&port(postgres.port()), &port(tap.address().port())));
        let sites = vec![site(&database.dsn), site(tapped.as_deref().unwrap_or(&database.dsn))];
        let first = sites[0].start().await;
        let admin = Admin(first.address);
        let mut members = Vec::new();
        for (at, more) in providers.iter().enumerate() {
            let config = LabConfig { keep: usize::MAX, hash: false, ..LabConfig::default() };
            let lab = Lab::start(config).await.unwrap();
            let mut fields = json!({
                "name": format!("p{at}"), "url": lab.url(), "provider_type": "claude",
                "credential": "sk-simulated-credential",
                // Breakers are tested elsewhere.
                "failure_threshold": 1_000_000,
            });
            fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            members.push((admin.post("/providers", fields).await["id"].as_i64().unwrap(), lab));
        }
        let user = admin.post("/users", json!({"name": "ada"})).await["id"].as_i64().unwrap();
        let key = make_key(admin, user, json!({"name": "laptop"})).await;
        // The second one finds everything there; the first one knows it, as it has answered.
        let hubs = vec![first, sites[1].start().await];
        for hub in &hubs {
            hub.until_redis_is("up").await;
        }
        Self { hubs, sites, key, user, providers: members, _database: database }
    }

    /// With as many equal providers.
    pub(crate) async fn of(redis: &str, providers: usize) -> Self {
        Self::build(redis, &[], &vec![json!({}); providers]).await
    }

    pub(crate) fn admin(&self) -> Admin {
        Admin(self.hubs[0].address)
    }

    /// Another key; the second hub knows it, too.
    pub(crate) async fn key(&self, fields: Value) -> Key {
        let key = make_key(self.admin(), self.user, fields).await;
        let call = async || {
            let headers = format!("x-api-key: {}\r\nconnection: close\r\n", key.text);
            let mut connection = Connection::open(self.hubs[1].address).await.unwrap();
            // Known keys are told that there is no such path, unknown ones that nobody knows them.
            connection.send("POST", "/v1/messages", &headers, "{").await.unwrap();
            (connection.read().await.unwrap().status == 400).then_some(())
        };
        eventually("the other hub knows the key", PATIENCE, call).await;
        key
    }

    /// A request of Claude's dialect through one of the hubs.
    pub(crate) async fn send(&self, hub: usize, request: &Request) -> Answer {
        let mut connection = self.begin(hub, request).await;
        connection.read().await.expect("the hub answers")
    }

    /// The same, for whoever reads the answer later.
    pub(crate) async fn begin(&self, hub: usize, request: &Request) -> Connection {
        let key = request.key.as_ref().unwrap_or(&self.key);
        let mut connection = Connection::open(self.hubs[hub].address).await.unwrap();
        let headers = format!("x-api-key: {}\r\nconnection: close\r\n{}", key.text, request.headers);
        connection.send("POST", &request.path, &headers, &request.body.to_string()).await.unwrap();
        connection
    }

    /// Sends it and says how it was served.
    pub(crate) async fn served(&self, hub: usize, request: &Request) -> Served {
        let answer = self.send(hub, request).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        self.record(&answer).await
    }

    /// The record of an answer, as soon as it is in the database.
    pub(crate) async fn record(&self, answer: &Answer) -> Served {
        let path = format!("/requests/{}", answer.header("x-request-id").unwrap());
        let ask = async || {
            let found = self.admin().call("GET", &path, &Value::Null).await;
            (found.status == 200).then(|| Served(found.json()))
        };
        eventually("the request is on record", PATIENCE, ask).await.0
    }

    pub(crate) fn plays(&self, provider: usize, behaviour: Behaviour) {
        self.providers[provider].1.set_scenario(Scenario::always(behaviour));
    }

    /// Which provider (by its place) saw the request with each lab id last.
    pub(crate) fn whereabouts(&self) -> HashMap<String, usize> {
        let entries = |(at, (_, lab)): (usize, &(i64, Lab))| {
            lab.witness().entries().into_iter().filter_map(move |entry| Some((entry.lab_id?, at)))
        };
        self.providers.iter().enumerate().flat_map(entries).collect()
    }

    /// Everybody ends well, and says goodbye to Redis.
    pub(crate) async fn close(self) {
        for hub in self.hubs {
            hub.stop().await;
        }
        for site in &self.sites {
            assert!(!site.log().contains("Redis is still in use"), "{}", site.log());
        }
    }
}

async fn make_key(admin: Admin, user: i64, fields: Value) -> Key {
    let key = admin.post(&format!("/users/{user}/keys"), fields).await;
    Key { id: key["id"].as_i64().unwrap(), text: key["key"].as_str().unwrap().to_owned() }
}

/// A request in the making.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    path: String,
    headers: String,
    body: Value,
    key: Option<Key>,
}

impl Request {
    pub(crate) fn post(path: impl Into<String>, body: Value) -> Self {
        Self { path: path.into(), headers: String::new(), body, key: None }
    }

    /// The body.
    pub(crate) fn text(&self) -> String {
        self.body.to_string()
    }

    /// A message to Claude.
    pub(crate) fn message(stream: bool) -> Self {
        let message = json!({"role": "user", "content": "Hello"});
        let body = json!({
            "model": "claude-sonnet-4-5", "max_tokens": 64, "stream": stream, "messages": [message],
        });
        Self::post("/v1/messages", body)
    }

    /// One of a session that its client names.
    pub(crate) fn named(session: &str) -> Self {
        Self::message(false).header("x-session-id", session)
    }

    /// Turn `turn` (from 1) of a conversation without any id: one message, then three, then five.
    pub(crate) fn turn(opening: &str, turn: usize) -> Self {
        let message = |at: usize| {
            let role = if at.is_multiple_of(2) { "user" } else { "assistant" };
            json!({"role": role, "content": format!("{opening}: message {at}")})
        };
        let messages: Vec<Value> = (0..turn * 2 - 1).map(message).collect();
        let body = json!({"model": "claude-sonnet-4-5", "max_tokens": 64, "messages": messages});
        Self::post("/v1/messages", body)
    }

    #[must_use]
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        write!(self.headers, "{name}: {value}\r\n").unwrap();
        self
    }

    /// What the simulated provider is to do.
    #[must_use]
    pub(crate) fn lab(self, script: &str) -> Self {
        self.header("x-lab", script)
    }

    #[must_use]
    pub(crate) fn key(mut self, key: &Key) -> Self {
        self.key = Some(key.clone());
        self
    }
}

/// How a request was served: its record.
#[derive(Debug)]
pub(crate) struct Served(pub(crate) Value);

impl Served {
    pub(crate) fn provider(&self) -> i64 {
        self.0["provider_id"].as_i64().unwrap_or_else(|| panic!("{}", self.0))
    }

    pub(crate) fn session(&self) -> &str {
        self.0["session_id"].as_str().unwrap_or_else(|| panic!("{}", self.0))
    }

    pub(crate) fn sequence(&self) -> Option<i64> {
        self.0["session_sequence"].as_i64()
    }

    /// Was the session's binding followed?
    pub(crate) fn is_reuse(&self) -> bool {
        self.0["attempts"][0]["reason"] == "session_reuse"
    }
}

/// Everything that this provider is asked fails.
pub(crate) fn failing() -> Behaviour {
    Behaviour { status: Some(500), ..Behaviour::default() }
}
