//! What each provider said it serves: asked once for all who want to know, and again after a while.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use moka::Expiry;
use moka::future::Cache;

use hub_http::UpstreamClient;
use hub_types::ProviderId;

use crate::catalogue::Upstream;
use crate::prober;

/// Vendors add models every few weeks.
const GOOD_FOR: Duration = Duration::from_mins(10);
/// A provider that did not say is not asked again with each request.
const SILENT_FOR: Duration = Duration::from_mins(1);
/// A client waits for the list no longer.
const PATIENCE: Duration = Duration::from_secs(5);
const MAX_PROVIDERS: u64 = 1000;

type Listed = Option<Arc<[String]>>;

/// The lists of providers, as they were when each provider was last edited.
#[derive(Clone)]
pub(crate) struct KnownModels(Cache<(ProviderId, Timestamp), Listed>);

struct Freshness;

impl Expiry<(ProviderId, Timestamp), Listed> for Freshness {
    fn expire_after_create(
        &self,
        _: &(ProviderId, Timestamp),
        listed: &Listed,
        _: Instant,
    ) -> Option<Duration> {
        Some(if listed.is_some() { GOOD_FOR } else { SILENT_FOR })
    }
}

impl Default for KnownModels {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MAX_PROVIDERS).expire_after(Freshness).build())
    }
}

impl KnownModels {
    /// The models of a provider; `None` if it does not say.
    pub(super) async fn of(&self, client: &UpstreamClient, upstream: &Upstream) -> Listed {
        let provider = &upstream.provider;
        let asking = async {
            let list = prober::list(client, upstream, PATIENCE).await.ok()?;
            list.report.class.is_none().then(|| list.models.into())
        };
        self.0.get_with((provider.id, provider.updated_at), asking).await
    }
}
