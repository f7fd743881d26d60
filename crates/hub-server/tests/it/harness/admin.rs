//! The management API, as an admin's script uses it.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::hub::ADMIN_TOKEN;
use super::{Answer, Connection, eventually};

/// An admin of the hub at an address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admin(pub(crate) SocketAddr);

/// What a fresh hub was furnished with.
#[derive(Debug, Clone)]
pub(crate) struct Seeded {
    pub(crate) key: String,
    pub(crate) key_id: i64,
    pub(crate) user_id: i64,
    pub(crate) provider_id: i64,
}

impl Admin {
    pub(crate) async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.call_at(method, &format!("/api/v1{path}"), body).await
    }

    /// A route that is not under `/api/v1`.
    pub(crate) async fn call_at(&self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = format!("authorization: Bearer {ADMIN_TOKEN}\r\nconnection: close\r\n");
        let mut connection = Connection::open(self.0).await.unwrap();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        connection.send(method, path, &headers, &body).await.unwrap();
        connection.read().await.expect("the management API answers")
    }

    /// Asks again for as long as ten seconds where a store is only just coming back.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let mut answer = self.call("GET", path, &Value::Null).await;
        for _ in 0..100 {
            if answer.status != 503 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            answer = self.call("GET", path, &Value::Null).await;
        }
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.text());
        answer.json()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.call("POST", path, &body).await;
        assert_eq!(answer.status, 201, "POST {path}: {}", answer.text());
        answer.json()
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Value {
        let answer = self.call("PATCH", path, &body).await;
        assert_eq!(answer.status, 200, "PATCH {path}: {}", answer.text());
        answer.json()
    }

    /// A provider of some type at `url`, dearer than its vendor so that the multiplier counts.
    pub(crate) async fn add_provider(&self, kind: &str, url: &str) -> i64 {
        let provider = json!({
            "name": format!("simulated-{kind}"), "url": url, "provider_type": kind,
            "credential": "sk-simulated-credential", "cost_multiplier": "1.3", "conversion": "never",
        });
        self.post("/providers", provider).await["id"].as_i64().unwrap()
    }

    /// One user with one key, and one Claude provider at `url`.
    pub(crate) async fn seed(&self, url: &str) -> Seeded {
        let user = self.post("/users", json!({"name": "ada"})).await["id"].as_i64().unwrap();
        let key = self.post(&format!("/users/{user}/keys"), json!({"name": "laptop"})).await;
        let provider_id = self.add_provider("claude", url).await;
        Seeded {
            key: key["key"].as_str().unwrap().to_owned(),
            key_id: key["id"].as_i64().unwrap(),
            user_id: user,
            provider_id,
        }
    }

    /// Waits until every record is in the database.
    pub(crate) async fn wait_for_records(&self) {
        let is_empty = async || {
            let status = self.get("/system/status").await;
            (status["hub"]["journal"]["entries"] == 0).then_some(())
        };
        eventually("the journal is drained", Duration::from_secs(60), is_empty).await;
    }

    /// All request records, newest first.
    pub(crate) async fn requests(&self) -> Vec<Value> {
        let mut found = Vec::new();
        let mut path = "/requests?limit=200".to_owned();
        loop {
            let page = self.get(&path).await;
            found.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/requests?limit=200&cursor={cursor}"),
                None => return found,
            }
        }
    }
}
