//! Clients and providers of different dialects, through the whole hub.

mod counts;
mod directions;
mod errors;
mod losses;
mod routing;
mod shapes;
mod told;
mod turns;
mod waiting;

use std::collections::BTreeMap;

use hub_lab::Lab;
use hub_types::Dialect;
use serde_json::json;

use crate::harness::client::{Reply, Request};
use crate::harness::speech;
use crate::harness::world::{Hub, Key, Setup, lab};

/// Every client and a provider that it can't talk to by itself.
pub(crate) fn directions() -> impl Iterator<Item = (Dialect, Dialect)> {
    let pairs = Dialect::ALL.into_iter().flat_map(|client| Dialect::ALL.map(|upstream| (client, upstream)));
    pairs.filter(|(client, upstream)| client != upstream)
}

/// A hub whose keys each reach the providers of one dialect only.
pub(crate) struct Babel {
    pub(crate) hub: Hub,
    keys: BTreeMap<Dialect, Key>,
}

impl Babel {
    /// With a provider of each dialect at the address that `url` says.
    pub(crate) async fn at(url: impl Fn(Dialect) -> String) -> Self {
        Self::with(&[], url).await
    }

    /// With some variables set, too.
    pub(crate) async fn with(variables: &[(&'static str, &str)], url: impl Fn(Dialect) -> String) -> Self {
        let mut setup = Setup::new().await;
        for (name, value) in variables {
            setup.set(name, *value);
        }
        let ada = setup.user(json!({"name": "ada"})).await;
        let mut keys = BTreeMap::new();
        for dialect in Dialect::ALL {
            let more = json!({
                "conversion": "auto",
                "group_tag": dialect.as_str(),
                "failure_threshold": 0,
                "model_redirects": [{"match": "regex", "source": ".", "target": speech::model(dialect)}],
            });
            setup.provider_for(dialect, dialect.as_str(), &url(dialect), more).await;
            let fields = json!({"name": dialect.as_str(), "provider_group": dialect.as_str()});
            keys.insert(dialect, setup.key(ada, fields).await);
        }
        Self { hub: setup.start().await, keys }
    }

    /// With one lab behind all providers.
    pub(crate) async fn start() -> (Self, Lab) {
        let lab = lab().await;
        let url = lab.url();
        (Self::at(|_| url.clone()).await, lab)
    }

    /// A client's request for a provider of the other dialect.
    pub(crate) fn request(&self, client: Dialect, upstream: Dialect, stream: bool, body: String) -> Request {
        let key = &self.keys[&upstream];
        Request::post(speech::path(client, stream), body).key(&key.text)
    }

    pub(crate) async fn ask(&self, client: Dialect, upstream: Dialect, stream: bool, body: String) -> Reply {
        self.request(client, upstream, stream, body).send(self.hub.address).await
    }
}
