//! The gateway's directory over a repository: a bounded cache of callers, and the catalogue as one snapshot.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use moka::future::Cache;

use hub_pricing::{PriceTable, builtin_rows};
use hub_proxy::{Catalogue, CatalogueRules, Directory, DirectoryUnavailable};
use hub_repository::{Repository, RepositoryError};
use hub_routing::ErrorRules;
use hub_session::Sessions;
use hub_types::{Caller, Clock, KeyHash};

use crate::unbind::unbind;

const MAX_CALLERS: u64 = 100_000;
/// A known key is looked up again after this time, even if no notice came.
const KNOWN_FOR: Duration = Duration::from_secs(60);
/// An unknown key costs at most one look-up in this time.
const UNKNOWN_FOR: Duration = Duration::from_secs(10);
/// With the database away, what was known goes on to hold, and the next try is this far off.
const AWAY_FOR: Duration = Duration::from_secs(2);

#[derive(Clone)]
struct Entry {
    answer: Result<Option<Arc<Caller>>, DirectoryUnavailable>,
    until: Instant,
    epoch: u64,
}

/// See the module's documentation.
pub(crate) struct RepositoryDirectory {
    repository: Arc<dyn Repository>,
    callers: Cache<KeyHash, Entry>,
    /// Raised by each notice that users or keys changed: entries of earlier epochs are looked up again.
    epoch: AtomicU64,
    catalogue: ArcSwap<Catalogue>,
    /// One load at a time, so that an older catalogue never takes the place of a newer one.
    loading: tokio::sync::Mutex<()>,
    rules: CatalogueRules,
    /// Told of providers whose bindings an edit ends.
    sessions: Arc<Sessions>,
    clock: Arc<dyn Clock>,
}

impl RepositoryDirectory {
    /// Loads the catalogue.
    pub(crate) async fn load(
        repository: Arc<dyn Repository>,
        rules: CatalogueRules,
        sessions: Arc<Sessions>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RepositoryError> {
        let catalogue = load_catalogue(&*repository, rules).await?;
        Ok(Self {
            repository,
            callers: Cache::new(MAX_CALLERS),
            epoch: AtomicU64::new(0),
            catalogue: ArcSwap::from_pointee(catalogue),
            loading: tokio::sync::Mutex::default(),
            rules,
            sessions,
            clock,
        })
    }

    /// Users or keys were edited.
    pub(crate) fn forget_callers(&self) {
        self.epoch.fetch_add(1, Ordering::Relaxed);
    }

    /// Providers, groups, prices or settings were edited.
    pub(crate) async fn reload_catalogue(&self) -> Result<(), RepositoryError> {
        let _alone = self.loading.lock().await;
        let newer = Arc::new(load_catalogue(&*self.repository, self.rules).await?);
        let older = self.catalogue.swap(Arc::clone(&newer));
        unbind(&self.sessions, &older, &newer, self.clock.now()).await;
        Ok(())
    }

    /// Brings every edit made so far into force, ahead of its notice: whoever made one through this hub may
    /// count on it as soon as the hub has answered.
    pub(crate) async fn catch_up(&self) {
        self.forget_callers();
        if let Err(error) = self.reload_catalogue().await {
            tracing::warn!(%error, "an edit is not in force yet: its notice will bring it");
        }
    }

    async fn look_up(&self, hash: &KeyHash, known: Option<Entry>) -> Entry {
        // Read before the look-up: an edit that comes during it makes the entry stale at once.
        let epoch = self.epoch.load(Ordering::Relaxed);
        let now = Instant::now();
        match self.repository.find_caller(hash).await {
            Ok(Some(caller)) => Entry { answer: Ok(Some(Arc::new(caller))), until: now + KNOWN_FOR, epoch },
            Ok(None) => Entry { answer: Ok(None), until: now + UNKNOWN_FOR, epoch },
            Err(error) => {
                tracing::warn!(%error, "a key could not be looked up");
                let answer = known.map_or(Err(DirectoryUnavailable), |known| known.answer);
                Entry { answer, until: now + AWAY_FOR, epoch }
            }
        }
    }
}

#[async_trait]
impl Directory for RepositoryDirectory {
    async fn find_caller(&self, hash: &KeyHash) -> Result<Option<Arc<Caller>>, DirectoryUnavailable> {
        let is_stale = |entry: &Entry| {
            entry.until <= Instant::now() || entry.epoch != self.epoch.load(Ordering::Relaxed)
        };
        let known = self.callers.get(hash).await;
        if let Some(entry) = &known
            && !is_stale(entry)
        {
            return entry.answer.clone();
        }
        // One look-up a key at a time, however many requests ask.
        let looked_up =
            self.callers.entry_by_ref(hash).or_insert_with_if(self.look_up(hash, known), is_stale).await;
        looked_up.into_value().answer
    }

    fn catalogue(&self) -> Arc<Catalogue> {
        self.catalogue.load_full()
    }
}

async fn load_catalogue(
    repository: &dyn Repository,
    rules: CatalogueRules,
) -> Result<Catalogue, RepositoryError> {
    let stored = repository.load_catalogue().await?;
    let (prices, refused) = PriceTable::build(builtin_rows().iter().chain(&stored.prices));
    for price in refused {
        tracing::error!(model = price.model, error = %price.error, "a stored price is not used");
    }
    let prices = Arc::new(prices);
    let (catalogue, problems) =
        Catalogue::build(stored.version, stored.providers, &stored.groups, prices, rules);
    for problem in problems {
        tracing::error!(%problem, "a provider does not take part");
    }
    let (error_rules, problems) = ErrorRules::build(stored.error_rules);
    for problem in problems {
        tracing::error!(%problem, "an error rule does not take part");
    }
    let catalogue = catalogue.with_error_rules(error_rules);
    tracing::info!(version = catalogue.version(), "catalogue loaded");
    Ok(catalogue)
}
