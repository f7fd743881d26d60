//! Choosing a provider, building its URL, and judging its failures: pure functions. Time, chance and health
//! come in as values, so that every decision can be computed again later.

mod address;
mod binding;
mod catalogue;
mod choose;
mod classify;
mod upstream_url;

pub use address::{UrlRefused, check_address, check_provider_url};
pub use binding::{BindingVerdict, PROMPT_CACHE_TTL, consult_binding};
pub use catalogue::{Catalogue, CatalogueError, CompiledProvider, redirect};
pub use choose::{
    AlwaysClosed, Decision, DropReason, Dropped, Health, HealthView, RoutingFacts, choose, is_candidate,
};
pub use classify::{Failure, Verdict, classify, classify_status, verdict};
pub use upstream_url::upstream_url;

#[cfg(test)]
mod tests;
