//! A hub with several equal providers, and conversations with them.

use hub_lab::{Behaviour, Lab, Scenario};
use hub_management::RequestQuery;
use hub_management::view::RequestDetailView;
use hub_types::{Dialect, ProviderId};
use serde_json::{Value, json};

use crate::harness::client::{Reply, Request};
use crate::harness::speech;
use crate::harness::world::{Hub, Key, ME, PATIENCE, Setup, lab, object};

pub(crate) struct Ring {
    pub(crate) hub: Hub,
    pub(crate) key: Key,
    /// Providers with the lab behind each, in the order of their ids.
    pub(crate) members: Vec<(ProviderId, Lab)>,
}

impl Ring {
    /// `more` are the fields of each provider over the usual ones.
    pub(crate) async fn start(dialect: Dialect, more: &[Value]) -> Self {
        Self::with(&[], json!({}), dialect, more).await
    }

    pub(crate) async fn with(
        variables: &[(&'static str, &str)],
        key: Value,
        dialect: Dialect,
        more: &[Value],
    ) -> Self {
        let mut setup = Setup::new().await;
        for (name, value) in variables {
            setup.set(name, *value);
        }
        let mut members = Vec::new();
        for (at, more) in more.iter().enumerate() {
            let lab = lab().await;
            let id = setup.provider_for(dialect, &format!("p{at}"), &lab.url(), more.clone()).await;
            members.push((id, lab));
        }
        let ada = setup.user(json!({"name": "ada"})).await;
        let mut fields = object(json!({"name": "laptop"}));
        fields.extend(object(key));
        let key = setup.key(ada, Value::Object(fields)).await;
        Self { hub: setup.start().await, key, members }
    }

    /// As many equal providers.
    pub(crate) async fn of(dialect: Dialect, providers: usize) -> Self {
        Self::start(dialect, &vec![json!({}); providers]).await
    }

    pub(crate) async fn send(&self, request: Request) -> Reply {
        request.key(&self.key.text).send(self.hub.address).await
    }

    /// Sends it and says how it was served.
    pub(crate) async fn served(&self, request: Request) -> Served {
        let reply = self.send(request).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        self.record(&reply).await
    }

    pub(crate) async fn record(&self, reply: &Reply) -> Served {
        Served(self.hub.record(reply.id()).await)
    }

    /// The newest request with this error code, as soon as it is in the database.
    pub(crate) async fn recorded(&self, code: &str) -> Served {
        let looking = async {
            loop {
                let all = self
                    .hub
                    .management()
                    .list_requests(&ME, &RequestQuery::parse(Vec::new()).unwrap())
                    .await
                    .unwrap();
                let found = all.items.into_iter().find(|one| one.error_code.as_deref() == Some(code));
                if let Some(found) = found {
                    return found.id.to_string();
                }
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        let id = tokio::time::timeout(PATIENCE, looking).await.expect("it is recorded in time");
        Served(self.hub.record(&id).await)
    }

    pub(crate) fn plays(&self, provider: ProviderId, behaviour: Behaviour) {
        self.lab(provider).set_scenario(Scenario::always(behaviour));
    }

    pub(crate) fn lab(&self, provider: ProviderId) -> &Lab {
        &self.members.iter().find(|(id, _)| *id == provider).unwrap().1
    }

    /// Edits a provider as an admin does.
    pub(crate) async fn edit(&self, provider: ProviderId, patch: Value) {
        self.hub.management().update_provider(&ME, provider, &object(patch)).await.unwrap();
        self.hub.app.catch_up().await;
    }
}

/// Waits until at least so many requests with this error code are in the database; answers the newest of them.
pub(crate) async fn until_recorded(hub: &Hub, code: &str, count: usize) -> Vec<String> {
    let looking = async {
        loop {
            let query = RequestQuery::parse(Vec::new()).unwrap();
            let all = hub.management().list_requests(&ME, &query).await.unwrap().items;
            let found = all.into_iter().filter(|one| one.error_code.as_deref() == Some(code));
            let found: Vec<String> = found.map(|one| one.id.to_string()).collect();
            if found.len() >= count {
                return found;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.expect("they are recorded in time")
}

/// How a request was served.
#[derive(Debug)]
pub(crate) struct Served(pub(crate) RequestDetailView);

impl Served {
    pub(crate) fn provider(&self) -> ProviderId {
        self.0.request.provider_id.unwrap()
    }

    pub(crate) fn session(&self) -> &str {
        self.0.request.session_id.as_deref().unwrap()
    }

    /// Was the session's binding followed?
    pub(crate) fn is_reuse(&self) -> bool {
        self.0.attempts[0].reason == hub_types::AttemptReason::SessionReuse
    }
}

/// A request of Claude Code's session.
pub(crate) fn named(session: &str) -> Request {
    Request::post("/v1/messages", speech::body(Dialect::Claude, false))
        .header("x-claude-code-session-id", session)
}

/// Turn `turn` (from 1) of a conversation without any id: one message, then three, then five.
pub(crate) fn turn(opening: &str, turn: usize) -> Request {
    let message = |at: usize| {
        let role = if at.is_multiple_of(2) { "user" } else { "assistant" };
        let text = if at == 0 { opening.to_owned() } else { format!("{opening}: message {at}") };
        // The newest message carries the cache mark, as clients do it; on the next turn it is plain text.
        if at == turn * 2 - 2 {
            let block = json!({"type": "text", "text": text, "cache_control": {"type": "ephemeral"}});
            json!({"role": role, "content": [block]})
        } else {
            json!({"role": role, "content": text})
        }
    };
    let messages: Vec<Value> = (0..turn * 2 - 1).map(message).collect();
    let body = json!({"model": "claude-sonnet-4-5", "max_tokens": 64, "messages": messages});
    Request::post("/v1/messages", body.to_string())
}
