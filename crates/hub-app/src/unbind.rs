//! Bindings that an edit of the catalogue ends: of providers that got another URL, credential or type, were
//! switched off, or are gone.

use jiff::Timestamp;

use hub_proxy::Catalogue;
use hub_session::Sessions;
use hub_types::{Provider, ProviderId};

/// What the step from one catalogue to the next means for the bindings to a provider.
#[derive(Debug, PartialEq, Eq)]
struct Ended {
    provider: ProviderId,
    /// The generation from which on there may be bindings again.
    floor: i64,
    /// Are there bindings to forget? If not, somebody is clearing them, and needs them to find the sessions.
    is_other: bool,
}

/// Forgets the bindings to every provider that is another one in the newer catalogue, or not there any more;
/// requests that began under an earlier generation of a provider do not bind to it.
///
/// Every instance does it on its own account; what one has done the others find done.
pub(crate) async fn unbind(sessions: &Sessions, older: &Catalogue, newer: &Catalogue, now: Timestamp) {
    for was in older.providers() {
        let Some(Ended { provider, floor, is_other }) = ended(was, newer.provider(was.id)) else { continue };
        sessions.raise_floor(provider, floor);
        if !is_other {
            continue;
        }
        match sessions.store().drop_bindings(provider, now).await {
            Ok(0) => {}
            Ok(dropped) => tracing::info!(%provider, dropped, "bindings dropped: the provider was edited"),
            // They are never followed to a provider that is off or gone, and end with their time.
            Err(error) => tracing::warn!(%provider, %error, "bindings could not be dropped"),
        }
    }
}

fn ended(was: &Provider, is: Option<&std::sync::Arc<Provider>>) -> Option<Ended> {
    let provider = was.id;
    let Some(is) = is else {
        return Some(Ended { provider, floor: was.generation.saturating_add(1), is_other: true });
    };
    let is_other = was.url != is.url
        || was.provider_type != is.provider_type
        || was.is_enabled != is.is_enabled
        || !was.credential.matches(is.credential.expose());
    (is.generation > was.generation || is_other).then_some(Ended { provider, floor: is.generation, is_other })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hub_types::{Provider, ProviderId, ProviderType, Secret};

    use super::{Ended, ended};

    fn provider(change: impl FnOnce(&mut Provider)) -> Arc<Provider> {
        let secret = Secret::new("sk-1");
        let mut provider = Provider::new(ProviderId(1), "p", "https://a", ProviderType::Claude, secret);
        provider.generation = 4;
        change(&mut provider);
        Arc::new(provider)
    }

    #[test]
    fn bindings_end_with_what_the_provider_was() {
        let was = provider(|_| ());
        let edits: [fn(&mut Provider); 4] = [
            |is| is.url = "https://b".to_owned(),
            |is| is.credential = Secret::new("sk-2"),
            |is| is.provider_type = ProviderType::ClaudeAuth,
            |is| is.is_enabled = false,
        ];
        for edit in edits {
            let is = provider(|is| {
                is.generation = 5;
                edit(is);
            });
            let expected = Ended { provider: ProviderId(1), floor: 5, is_other: true };
            assert_eq!(ended(&was, Some(&is)), Some(expected));
        }
        let gone = Ended { provider: ProviderId(1), floor: 5, is_other: true };
        assert_eq!(ended(&was, None), Some(gone));
        assert_eq!(ended(&was, Some(&provider(|is| is.weight = 9))), None);
    }

    #[test]
    fn a_clearing_elsewhere_finds_the_bindings_that_it_looks_for() {
        let raised = provider(|is| is.generation = 5);
        let expected = Ended { provider: ProviderId(1), floor: 5, is_other: false };
        assert_eq!(ended(&provider(|_| ()), Some(&raised)), Some(expected));
    }
}
