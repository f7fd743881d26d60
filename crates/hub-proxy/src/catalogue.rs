//! The catalogue: providers, prices and groups as the request path reads them. Built whole, never changed,
//! swapped for a new one.

mod prospects;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use thiserror::Error;
use url::Url;

use hub_http::{Origin, Route};
use hub_pricing::{Cost, PriceTable, cost};
use hub_rate_limit::Limits;
use hub_routing::{
    BindingVerdict, CompiledProvider, Dropped, ErrorRules, HealthView, Pick, RoutingFacts,
    check_provider_url, choose_by, consult_binding, redirect, upstream_target,
};
use hub_types::{
    Dialect, GroupSet, Multiplier, Provider, ProviderGroup, ProviderId, ProviderType, ProxyUrl,
    ProxyUrlError, ServiceTier, StageCount, Usage,
};
use jiff::civil::Time;

pub(crate) use prospects::Prospects;

/// Rules that the catalogue is built under.
#[derive(Debug, Clone, Copy)]
pub struct CatalogueRules {
    /// May providers be on loopback and private addresses?
    pub allow_private_upstreams: bool,
}

/// A provider that can't take part, and why. The others can.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("provider {provider} (`{name}`) is left out: {reason}")]
pub struct CatalogueProblem {
    /// Which one.
    pub provider: ProviderId,
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
}

/// See the module's documentation.
pub struct Catalogue {
    version: i64,
    /// Providers of that version that do not take part, by id.
    left_out: Vec<ProviderId>,
    candidates: hub_routing::Catalogue,
    /// Has any of them money limits?
    has_limits: bool,
    upstreams: HashMap<ProviderId, Arc<Upstream>>,
    groups: HashMap<String, Multiplier>,
    prices: Arc<PriceTable>,
    error_rules: ErrorRules,
}

/// A provider, ready to be sent to.
pub(crate) struct Upstream {
    pub(crate) provider: Arc<Provider>,
    /// Where it is, and through which proxy.
    pub(crate) route: Route,
    /// Host and port, for the record.
    pub(crate) host_name: String,
    /// The `host` header.
    pub(crate) host: HeaderValue,
    /// The credential and the custom headers.
    pub(crate) own_headers: HeaderMap,
    /// What must not be seen in an error of this provider.
    pub(crate) secrets: Arc<[Vec<u8>]>,
    /// The endpoint of ChatGPT subscriptions, which has peculiarities of its own.
    pub(crate) is_codex_backend: bool,
    compiled: Arc<CompiledProvider>,
    base: Url,
}

/// The outcome of choosing.
pub(crate) struct Choice {
    pub(crate) picked: Option<Arc<Upstream>>,
    pub(crate) probability_ppm: u32,
    pub(crate) priority: i32,
    pub(crate) stages: Vec<StageCount>,
    /// Who was not chosen, and why; not told of a binding that is followed.
    pub(crate) dropped: Vec<Dropped>,
}

impl Catalogue {
    /// Builds a catalogue. Providers with a mistake in them are left out and reported.
    pub fn build(
        version: i64,
        providers: Vec<Provider>,
        groups: &[ProviderGroup],
        prices: Arc<PriceTable>,
        rules: CatalogueRules,
    ) -> (Self, Vec<CatalogueProblem>) {
        let (candidates, errors) = hub_routing::Catalogue::build(providers.into_iter().map(Arc::new));
        let mut problems: Vec<CatalogueProblem> = errors
            .into_iter()
            .map(|error| CatalogueProblem {
                provider: error.id,
                name: error.provider.clone(),
                reason: error.to_string(),
            })
            .collect();
        let mut upstreams = HashMap::with_capacity(candidates.providers().len());
        for compiled in candidates.providers() {
            let provider = compiled.provider();
            match Upstream::build(compiled, rules) {
                Ok(upstream) => {
                    upstreams.insert(provider.id, Arc::new(upstream));
                }
                Err(reason) => {
                    problems.push(CatalogueProblem {
                        provider: provider.id,
                        name: provider.name.clone(),
                        reason,
                    });
                }
            }
        }
        // Whoever can't be sent to must not be chosen.
        let able = candidates.providers().iter().map(|compiled| compiled.provider());
        let able: Vec<Arc<Provider>> =
            able.filter(|provider| upstreams.contains_key(&provider.id)).cloned().collect();
        let (candidates, _) = hub_routing::Catalogue::build(able);
        let groups = groups.iter().map(|group| (group.name.clone(), group.cost_multiplier)).collect();
        let has_limits = |one: &Arc<CompiledProvider>| Limits::from(one.provider().as_ref()).are_set();
        let has_limits = candidates.providers().iter().any(has_limits);
        let mut left_out: Vec<ProviderId> = problems.iter().map(|problem| problem.provider).collect();
        left_out.sort_unstable();
        left_out.dedup();
        let error_rules = ErrorRules::default();
        (Self { version, left_out, candidates, has_limits, upstreams, groups, prices, error_rules }, problems)
    }

    /// The same with rules about errors. Without them the built-in table has the say.
    #[must_use]
    pub fn with_error_rules(mut self, rules: ErrorRules) -> Self {
        self.error_rules = rules;
        self
    }

    /// The rules about errors.
    pub const fn error_rules(&self) -> &ErrorRules {
        &self.error_rules
    }

    /// The version that it was built from.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// Providers of that version that do not take part, by id.
    pub(crate) fn left_out(&self) -> &[ProviderId] {
        &self.left_out
    }

    /// The providers that take part, by id.
    pub fn providers(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.candidates.providers().iter().map(|compiled| compiled.provider())
    }

    /// The provider with this id, if it takes part.
    pub fn provider(&self, id: ProviderId) -> Option<&Arc<Provider>> {
        self.candidates.get(id).map(|compiled| compiled.provider())
    }

    /// The providers that could serve this request, if all are well.
    pub(crate) fn serving(
        &self,
        facts: &RoutingFacts<'_>,
        local_time: Time,
    ) -> impl Iterator<Item = &Arc<Upstream>> {
        let serving = Prospects::find(self, facts, local_time);
        serving.into_iter().filter_map(|one| self.upstreams.get(&one.provider().id))
    }

    /// The names of all models whose price is known.
    pub(crate) fn priced_models(&self) -> impl Iterator<Item = &str> {
        self.prices.models()
    }

    /// All providers that speak a dialect.
    pub(crate) fn speaking(&self, dialect: Dialect) -> impl Iterator<Item = ProviderId> {
        let speakers = self.candidates.providers().iter().filter(move |one| one.dialect() == dialect);
        speakers.map(|one| one.provider().id)
    }

    /// Chooses a provider by the stages.
    pub(crate) fn choose(
        &self,
        facts: &RoutingFacts<'_>,
        health: &dyn HealthView,
        tried: &[ProviderId],
        local_time: Time,
        pick: &Pick<'_>,
    ) -> Choice {
        let decision = choose_by(&self.candidates, facts, health, tried, local_time, pick);
        let picked = decision.picked.as_ref().and_then(|picked| self.upstreams.get(&picked.provider().id));
        Choice {
            picked: picked.cloned(),
            probability_ppm: decision.probability_ppm,
            priority: decision.priority,
            stages: decision.stages(),
            dropped: decision.dropped,
        }
    }

    /// Holds a session's binding against the providers; with the choice if the binding is to be followed.
    pub(crate) fn consult(
        &self,
        facts: &RoutingFacts<'_>,
        health: &dyn HealthView,
        local_time: Time,
        bound: ProviderId,
        idle: Option<Duration>,
    ) -> (BindingVerdict, Option<Choice>) {
        let verdict = consult_binding(&self.candidates, facts, health, local_time, bound, idle);
        let choice = match &verdict {
            BindingVerdict::Follow { provider, priority } => {
                self.upstreams.get(&provider.provider().id).map(|upstream| Choice {
                    picked: Some(Arc::clone(upstream)),
                    probability_ppm: 1_000_000,
                    priority: *priority,
                    stages: Vec::new(),
                    dropped: Vec::new(),
                })
            }
            _ => None,
        };
        (verdict, choice)
    }

    /// What a usage costs; `None` = the model has no known price.
    pub(crate) fn price(
        &self,
        model: &str,
        usage: &Usage,
        provider: Multiplier,
        group: Multiplier,
        tier: ServiceTier,
    ) -> Option<Cost> {
        let price = self.prices.find(model)?;
        Some(cost(price, usage, provider, group, tier))
    }

    /// The factor of the group through which a caller reaches a provider.
    pub(crate) fn group_multiplier(&self, caller: &GroupSet, provider: &GroupSet) -> Multiplier {
        if self.groups.is_empty() {
            return Multiplier::ONE;
        }
        let mut shared = caller.names().filter(|name| provider.names().any(|tag| tag == *name));
        shared.find_map(|name| self.groups.get(name)).copied().unwrap_or(Multiplier::ONE)
    }
}

impl Upstream {
    pub(crate) fn build(compiled: &Arc<CompiledProvider>, rules: CatalogueRules) -> Result<Self, String> {
        let provider = Arc::clone(compiled.provider());
        let base = check_provider_url(&provider.url, rules.allow_private_upstreams)
            .map_err(|refused| refused.to_string())?;
        let host = base.host_str().ok_or("the URL has no host")?.trim_matches(['[', ']']).to_owned();
        let port = base.port_or_known_default().ok_or("the URL has no port")?;
        let origin = Origin::new(base.scheme() == "https", &host, port);
        let host_name = origin.host_header();
        let route = match &provider.proxy_url {
            None => Route::direct(origin),
            Some(url) => {
                let proxy: ProxyUrl =
                    url.expose().parse().map_err(|error: ProxyUrlError| error.to_string())?;
                Route::through(origin, proxy).fallback_to_direct(provider.proxy_fallback_to_direct)
            }
        };
        let own_headers = own_headers(&provider)?;
        let secrets =
            [provider.credential.expose().as_bytes().to_vec(), host_name.clone().into_bytes()].into();
        let host = HeaderValue::from_str(&host_name).map_err(|_| "the URL's host is no header value")?;
        let compiled = Arc::clone(compiled);
        let is_codex_backend = provider.provider_type == ProviderType::Codex && is_codex_backend(&base);
        Ok(Self { provider, route, host_name, host, own_headers, secrets, is_codex_backend, compiled, base })
    }

    /// What it speaks.
    pub(crate) fn dialect(&self) -> Dialect {
        self.compiled.dialect()
    }

    /// The model to send for a requested one, if a rule says so.
    pub(crate) fn redirect(&self, model: &str) -> Option<&str> {
        redirect(&self.compiled, model)
    }

    /// Does it serve this model, under whatever name?
    pub(crate) fn admits(&self, model: &str) -> bool {
        self.compiled.admits(model)
    }

    /// Path and query to ask for.
    pub(crate) fn target(&self, path: &str, query: Option<&str>) -> String {
        upstream_target(&self.base, path, query)
    }
}

/// Is this where ChatGPT serves Codex? Relays of it keep its path.
fn is_codex_backend(base: &Url) -> bool {
    let host = base.host_str().unwrap_or_default();
    host == "chatgpt.com" || host.ends_with(".chatgpt.com") || base.path().contains("/backend-api/codex")
}

/// The credential where this type of provider looks for it, and the headers an admin added.
fn own_headers(provider: &Provider) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let credential = provider.credential.expose();
    let (name, value) = match provider.provider_type {
        ProviderType::Claude => (HeaderName::from_static("x-api-key"), credential.to_owned()),
        ProviderType::Gemini => (HeaderName::from_static("x-goog-api-key"), credential.to_owned()),
        ProviderType::ClaudeAuth
        | ProviderType::Codex
        | ProviderType::OpenAiCompatible
        | ProviderType::GeminiCli => (AUTHORIZATION, format!("Bearer {credential}")),
    };
    let mut value = HeaderValue::from_str(&value).map_err(|_| "the credential is no header value")?;
    value.set_sensitive(true);
    headers.insert(name, value);
    for (name, value) in &provider.custom_headers {
        let parsed = name.parse::<HeaderName>().ok().zip(HeaderValue::from_str(value).ok());
        let (name, mut value) = parsed.ok_or_else(|| format!("custom header `{name}` is not valid"))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}
