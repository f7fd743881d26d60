//! Lists of models, answered by the hub: what the providers that a key may use can serve, together.

mod known;
mod render;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use futures_util::future::join_all;
use http::request::Parts;
use http::{HeaderMap, Response};

use hub_http::Body;
use hub_routing::RoutingFacts;
use hub_types::{Caller, Convertible, Dialect, MatchKind, Outcome};

use crate::authenticate::authenticate;
use crate::catalogue::Upstream;
use crate::docket::Docket;
use crate::shared::Shared;
use crate::{Catalogue, ProxyError, client};

pub(crate) use known::KnownModels;

/// What is asked for: all models, or one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelsCall {
    pub(crate) dialect: Dialect,
    /// The one, by its plain name.
    pub(crate) model: Option<String>,
}

/// Answers a call for models. Nothing is kept of it but a wrong key.
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    mut docket: Docket,
    head: &Parts,
    call: ModelsCall,
    peer: IpAddr,
) -> Result<Response<Body>, ProxyError> {
    let address = client::address(peer, &head.headers, &shared.options.trusted_proxies);
    docket.record().client_address = Some(address);
    let caller = match authenticate(shared, &mut docket, head, address, call.dialect).await {
        Ok(caller) => caller,
        Err(error) => return Err(docket.refuse(error)),
    };
    let names = served_to(shared, &docket, &caller, &head.headers, call.dialect).await;
    let answer = match &call.model {
        None => render::list(call.dialect, &names, head.uri.query()),
        Some(model) if names.contains(model.as_str()) => render::one(call.dialect, model),
        Some(model) => {
            docket.forget();
            return Err(docket.refuse(ProxyError::UnknownModel(model.chars().take(256).collect())));
        }
    };
    docket.forget();
    docket.close(Outcome::Completed, 200);
    Ok(answer)
}

/// The names of all models that this caller may ask for.
async fn served_to(
    shared: &Shared,
    docket: &Docket,
    caller: &Caller,
    headers: &HeaderMap,
    dialect: Dialect,
) -> BTreeSet<String> {
    let catalogue = shared.directory.catalogue();
    let program = client::program(headers).name;
    let facts = RoutingFacts {
        groups: caller.groups(),
        dialect,
        convertible: Convertible::Yes,
        model: None,
        client_name: program.as_deref(),
    };
    let mut names = BTreeSet::new();
    let serving: Vec<&Arc<Upstream>> = catalogue.serving(&facts, docket.local_time()).collect();
    // All at the same time: the slowest provider is waited for, not their sum.
    let asking = serving.iter().map(|upstream| shared.known_models.of(&shared.upstream, upstream));
    for (listed, upstream) in join_all(asking).await.iter().zip(&serving) {
        named_by_rules(upstream, &mut names);
        let admitted = |name: &&str| upstream.admits(name);
        match listed {
            Some(listed) => {
                names.extend(listed.iter().map(String::as_str).filter(admitted).map(str::to_owned));
            }
            None => names.extend(priced(&catalogue, upstream).filter(admitted).map(str::to_owned)),
        }
    }
    let allowed = &caller.user.allowed_models;
    names.retain(|name| allowed.is_empty() || allowed.iter().any(|entry| entry.eq_ignore_ascii_case(name)));
    names
}

/// The models that a provider's rules call by their whole names.
fn named_by_rules(upstream: &Upstream, names: &mut BTreeSet<String>) {
    let provider = &upstream.provider;
    let allowed = provider.allowed_models.iter().filter(|rule| rule.kind == MatchKind::Exact);
    let redirected = provider.model_redirects.iter().filter(|rule| rule.kind == MatchKind::Exact);
    names.extend(allowed.map(|rule| rule.pattern.clone()));
    names.extend(redirected.map(|rule| rule.source.clone()));
}

/// What a provider that can't say it is taken to serve: the vendor's models whose price is known.
fn priced<'a>(catalogue: &'a Catalogue, upstream: &Upstream) -> impl Iterator<Item = &'a str> {
    let families: &[&str] = match upstream.provider.provider_type.dialect() {
        Dialect::Claude => &["claude-"],
        Dialect::OpenAi | Dialect::Responses => &["gpt-", "o1", "o3", "o4"],
        Dialect::Gemini | Dialect::GeminiCli => &["gemini-"],
    };
    catalogue.priced_models().filter(|name| families.iter().any(|family| name.starts_with(family)))
}
