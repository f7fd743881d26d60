//! Catalogues of earlier versions, compiled again.

use std::collections::VecDeque;
use std::sync::Arc;

use hub_repository::Repository;
use hub_routing::{Catalogue, check_provider_url};
use hub_types::{Provider, ProviderId, ProviderShape};

use crate::Result;

/// So many catalogues are kept at hand. Requests come in the order of time, so that few are needed at once.
const KEPT: usize = 8;

/// The catalogue of one version, and the same with changes.
#[derive(Clone)]
pub(super) struct Versions {
    pub(super) then: Arc<Catalogue>,
    pub(super) changed: Arc<Catalogue>,
}

/// How a provider is changed; one that is `None` is left as it is.
pub(super) type Change<'a> = &'a (dyn Fn(Provider) -> Result<Provider> + Sync);

/// Catalogues by version, read when they are asked for.
pub(super) struct Past<'a> {
    repository: &'a dyn Repository,
    change: Option<Change<'a>>,
    kept: VecDeque<(i64, Vec<ProviderId>, Option<Versions>)>,
}

impl<'a> Past<'a> {
    pub(super) fn new(repository: &'a dyn Repository, change: Option<Change<'a>>) -> Self {
        Self { repository, change, kept: VecDeque::new() }
    }

    /// The catalogue of a version without those that were left out of it; `None` if it is forgotten.
    pub(super) async fn get(&mut self, version: i64, left_out: &[ProviderId]) -> Result<Option<Versions>> {
        let found = self.kept.iter().position(|(at, without, _)| *at == version && without == left_out);
        if let Some(found) = found.and_then(|at| self.kept.remove(at)) {
            let versions = found.2.clone();
            self.kept.push_back(found);
            return Ok(versions);
        }
        let shapes = self.repository.provider_shapes(version).await?;
        let versions = shapes.map(|shapes| self.compile(shapes, left_out)).transpose()?;
        if self.kept.len() >= KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back((version, left_out.to_vec(), versions.clone()));
        Ok(versions)
    }

    fn compile(&self, mut shapes: Vec<ProviderShape>, left_out: &[ProviderId]) -> Result<Versions> {
        shapes.retain(|shape| !left_out.contains(&shape.id));
        let providers: Vec<Provider> = shapes.into_iter().map(Provider::from).collect();
        let then = Arc::new(compile(providers.iter().cloned()));
        let changed = match self.change {
            None => Arc::clone(&then),
            Some(change) => Arc::new(compile(providers.into_iter().map(change).collect::<Result<Vec<_>>>()?)),
        };
        Ok(Versions { then, changed })
    }
}

/// The catalogue of providers as they are stored, and those with a mistake that take no part in it.
pub(super) fn present(providers: Vec<Provider>, allow_private: bool) -> (Catalogue, Vec<ProviderId>) {
    let mut left_out: Vec<ProviderId> = providers.iter().map(|provider| provider.id).collect();
    let able = |provider: &Provider| check_provider_url(&provider.url, allow_private).is_ok();
    let catalogue = compile(providers.into_iter().filter(able));
    left_out.retain(|id| catalogue.get(*id).is_none());
    (catalogue, left_out)
}

/// A provider whose rules do not compile takes no part, here as in the gateway.
fn compile(providers: impl IntoIterator<Item = Provider>) -> Catalogue {
    Catalogue::build(providers.into_iter().map(Arc::new)).0
}
