//! Choosing a provider, building its URL, and judging its failures: pure functions. Time, chance and health
//! come in as values, so that every decision can be computed again later.

mod address;
mod binding;
mod catalogue;
mod choose;
mod classify;
mod pick;
mod replay;
mod upstream_url;

pub use address::{UrlRefused, check_address, check_provider_url};
pub use binding::{BindingVerdict, PROMPT_CACHE_TTL, consult_binding};
pub use catalogue::{Catalogue, CatalogueError, CompiledProvider, compile_pattern, redirect};
pub use choose::{
    AlwaysClosed, Candidate, Decision, DropReason, Dropped, Health, HealthView, RoutingFacts, Survey, choose,
    is_candidate, survey,
};
pub use classify::{Failure, Verdict, classify, classify_status, verdict};
pub use pick::{Pick, choose_by};
pub use replay::{KnownHealth, NotedHealth, Replayed, recorded_facts, replay};
pub use upstream_url::upstream_url;

#[cfg(test)]
mod stage_tests;
#[cfg(test)]
mod tests;
