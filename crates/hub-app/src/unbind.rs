//! Bindings that an edit of the catalogue ends: of providers that got another URL, credential or type, were
//! switched off, or are gone.

use hub_proxy::Catalogue;
use hub_session::Sessions;
use hub_types::ProviderId;
use jiff::Timestamp;
use std::collections::HashMap;

/// Forgets the bindings to every provider that the newer catalogue has in a later generation, or not at all.
///
/// Every instance does it on its own account; what one has done the others find done.
pub(crate) async fn unbind(sessions: &Sessions, older: &Catalogue, newer: &Catalogue, now: Timestamp) {
    for (provider, floor) in ended(older, newer) {
        sessions.raise_floor(provider, floor);
        match sessions.store().drop_bindings(provider, now).await {
            Ok(0) => {}
            Ok(dropped) => tracing::info!(%provider, dropped, "bindings dropped: the provider was edited"),
            // They are never followed to a provider that is off or gone, and end with their time.
            Err(error) => tracing::warn!(%provider, %error, "bindings could not be dropped"),
        }
    }
}

/// Which providers, and from which generation on there may be bindings again.
fn ended(older: &Catalogue, newer: &Catalogue) -> Vec<(ProviderId, i64)> {
    let now: HashMap<ProviderId, i64> = newer.generations().collect();
    let ended = older.generations().filter_map(|(provider, was)| match now.get(&provider) {
        Some(is) if *is <= was => None,
        Some(is) => Some((provider, *is)),
        None => Some((provider, was.saturating_add(1))),
    });
    ended.collect()
}
