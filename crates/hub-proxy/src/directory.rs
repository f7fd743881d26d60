//! Who may do what, and which providers there are: what the gateway asks of its surroundings.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use thiserror::Error;

use hub_types::{Caller, HubKey, KeyHash};

use crate::Catalogue;

/// The directory can't answer at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the directory is unavailable")]
pub struct DirectoryUnavailable;

/// Looks up callers and holds the catalogue of providers.
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// Whose key has this hash; disabled and expired ones, too. Called for each request: implementations cache.
    async fn find_caller(&self, hash: &KeyHash) -> Result<Option<Arc<Caller>>, DirectoryUnavailable>;

    /// The catalogue as it stands. A request uses one from start to end.
    fn catalogue(&self) -> Arc<Catalogue>;
}

/// A directory in memory, for embedding.
pub struct MemoryDirectory {
    callers: HashMap<KeyHash, Arc<Caller>>,
    catalogue: ArcSwap<Catalogue>,
}

impl MemoryDirectory {
    /// A directory of the given keys and providers.
    pub fn new(callers: impl IntoIterator<Item = (HubKey, Caller)>, catalogue: Catalogue) -> Self {
        let callers = callers.into_iter().map(|(key, caller)| (key.hash(), Arc::new(caller))).collect();
        Self { callers, catalogue: ArcSwap::from_pointee(catalogue) }
    }

    /// Puts another catalogue in the place of the present one.
    pub fn replace_catalogue(&self, catalogue: Catalogue) {
        self.catalogue.store(Arc::new(catalogue));
    }
}

#[async_trait]
impl Directory for MemoryDirectory {
    async fn find_caller(&self, hash: &KeyHash) -> Result<Option<Arc<Caller>>, DirectoryUnavailable> {
        Ok(self.callers.get(hash).cloned())
    }

    fn catalogue(&self) -> Arc<Catalogue> {
        self.catalogue.load_full()
    }
}
