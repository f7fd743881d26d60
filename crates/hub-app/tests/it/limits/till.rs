//! A hub whose answers cost what a test says.

use hub_lab::{Behaviour, Scenario};
use hub_types::{Dialect, KeyId, Money, UserId};
use serde_json::{Value, json};

use crate::harness::client::{Reply, Request};
use crate::harness::speech;
use crate::harness::world::{Hub, Key, ME, Setup, lab, object};

/// Input tokens that every answer reports.
pub(super) const TOKENS: u64 = 100_000;

/// One provider for each dialect, all played by one lab; a user with a key.
pub(super) struct Till {
    pub(super) hub: Hub,
    pub(super) lab: hub_lab::Lab,
    pub(super) user: UserId,
    pub(super) key: Key,
}

impl Till {
    /// `user` and `key` are fields over the usual ones.
    pub(super) async fn open(variables: &[(&'static str, &str)], user: Value, key: Value) -> Self {
        let (mut setup, lab) = (Setup::new().await, lab().await);
        for (name, value) in variables {
            setup.set(name, *value);
        }
        lab.set_scenario(Scenario::always(Behaviour {
            input: Some(TOKENS),
            output: Some(0),
            ..Behaviour::default()
        }));
        setup.providers(&lab.url()).await;
        let with = |name: &str, more: Value| {
            let mut fields = object(json!({"name": name}));
            fields.extend(object(more));
            Value::Object(fields)
        };
        let user = setup.user(with("ada", user)).await;
        let key = setup.key(user, with("laptop", key)).await;
        Self { hub: setup.start().await, lab, user, key }
    }

    /// What each answer costs.
    pub(super) fn price(dialect: Dialect) -> Money {
        let nanos_per_token = if dialect == Dialect::Claude { 3000 } else { 1250 };
        Money::from_nanos(nanos_per_token * i64::try_from(TOKENS).unwrap())
    }

    pub(super) async fn ask(&self, dialect: Dialect) -> Reply {
        self.ask_with(dialect, &self.key.text).await
    }

    pub(super) async fn ask_with(&self, dialect: Dialect, key: &str) -> Reply {
        let request = Request::post(speech::path(dialect, false), speech::body(dialect, false));
        request.key(key).send(self.hub.address).await
    }

    /// Another key of the same user.
    pub(super) async fn another_key(&self, name: &str) -> String {
        let fields = object(json!({"name": name}));
        let made = self.hub.management().create_key(&ME, self.user, &fields).await.unwrap();
        self.hub.app.catch_up().await;
        made.key
    }

    pub(super) async fn edit_key(&self, id: KeyId, patch: Value) {
        self.hub.management().update_key(&ME, id, &object(patch)).await.unwrap();
        self.hub.app.catch_up().await;
    }
}
