//! Providers made ready for choosing: patterns compiled once, when the snapshot is built.

use std::sync::Arc;

use hub_types::{Dialect, MatchKind, Provider, ProviderId};
use regex::{Regex, RegexBuilder};
use thiserror::Error;

/// Bytes that a compiled pattern may take: it costs every request.
const REGEX_LIMIT: usize = 256 * 1024;

/// Compiles the regular expression of a model rule. Whoever saves one holds it against the same bounds as whoever
/// routes by it.
pub fn compile_pattern(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).size_limit(REGEX_LIMIT).dfa_size_limit(REGEX_LIMIT).build()
}

/// A rule that can't be compiled.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "provider `{provider}` (id {id}): the {list} rule `{pattern}` is not a usable regular expression: {reason}"
)]
pub struct CatalogueError {
    /// The provider's row.
    pub id: ProviderId,
    /// The provider's name.
    pub provider: String,
    /// `allowed_models` or `model_redirects`.
    pub list: &'static str,
    /// The rule's pattern.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: String,
}

#[derive(Debug, Clone)]
enum Matcher {
    Exact(String),
    Prefix(String),
    Suffix(String),
    Contains(String),
    Regex(Regex),
}

impl Matcher {
    fn compile(kind: MatchKind, pattern: &str) -> Result<Self, regex::Error> {
        let text = pattern.to_owned();
        Ok(match kind {
            MatchKind::Exact => Self::Exact(text),
            MatchKind::Prefix => Self::Prefix(text),
            MatchKind::Suffix => Self::Suffix(text),
            MatchKind::Contains => Self::Contains(text),
            MatchKind::Regex => Self::Regex(compile_pattern(pattern)?),
        })
    }

    fn matches(&self, model: &str) -> bool {
        match self {
            Self::Exact(text) => model == text,
            Self::Prefix(text) => model.starts_with(text.as_str()),
            Self::Suffix(text) => model.ends_with(text.as_str()),
            Self::Contains(text) => model.contains(text.as_str()),
            Self::Regex(regex) => regex.is_match(model),
        }
    }
}

/// A provider with its rules compiled.
#[derive(Debug, Clone)]
pub struct CompiledProvider {
    provider: Arc<Provider>,
    allowed: Vec<Matcher>,
    redirects: Vec<(Matcher, String)>,
}

impl CompiledProvider {
    /// Compiles a provider's rules; the first that can't be is the error.
    pub fn compile(provider: Arc<Provider>) -> Result<Self, CatalogueError> {
        let compile = |list, kind, pattern: &str| {
            Matcher::compile(kind, pattern).map_err(|error| CatalogueError {
                id: provider.id,
                provider: provider.name.clone(),
                list,
                pattern: pattern.to_owned(),
                reason: error.to_string(),
            })
        };
        let allowed =
            provider.allowed_models.iter().map(|rule| compile("allowed_models", rule.kind, &rule.pattern));
        let allowed = allowed.collect::<Result<_, _>>()?;
        let redirects = provider
            .model_redirects
            .iter()
            .map(|rule| Ok((compile("model_redirects", rule.kind, &rule.source)?, rule.target.clone())));
        let redirects = redirects.collect::<Result<_, _>>()?;
        Ok(Self { provider, allowed, redirects })
    }

    /// The provider itself.
    pub fn provider(&self) -> &Arc<Provider> {
        &self.provider
    }

    /// The dialect that it speaks.
    pub fn dialect(&self) -> Dialect {
        self.provider.provider_type.dialect()
    }

    /// Does it serve this model, under whatever name? A redirect admits a model, too.
    pub fn admits(&self, model: &str) -> bool {
        self.allowed.is_empty()
            || self.allowed.iter().any(|rule| rule.matches(model))
            || redirect(self, model).is_some()
    }
}

/// The name to send instead of `model`: the first redirect that matches.
pub fn redirect<'a>(provider: &'a CompiledProvider, model: &str) -> Option<&'a str> {
    provider.redirects.iter().find(|(rule, _)| rule.matches(model)).map(|(_, target)| target.as_str())
}

/// All providers of a snapshot, ordered by id.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    providers: Vec<Arc<CompiledProvider>>,
}

impl Catalogue {
    /// Compiles the providers. One with a broken rule is left out and reported: it must neither serve what its
    /// rules may forbid nor take the others with it.
    pub fn build(providers: impl IntoIterator<Item = Arc<Provider>>) -> (Self, Vec<CatalogueError>) {
        let mut catalogue = Self::default();
        let mut errors = Vec::new();
        for provider in providers {
            match CompiledProvider::compile(provider) {
                Ok(compiled) => catalogue.providers.push(Arc::new(compiled)),
                Err(error) => errors.push(error),
            }
        }
        catalogue.providers.sort_by_key(|compiled| compiled.provider.id);
        (catalogue, errors)
    }

    /// The providers, ordered by id.
    pub fn providers(&self) -> &[Arc<CompiledProvider>] {
        &self.providers
    }

    /// The provider with this id.
    pub fn get(&self, id: ProviderId) -> Option<&Arc<CompiledProvider>> {
        let at = self.providers.binary_search_by_key(&id, |compiled| compiled.provider.id).ok()?;
        self.providers.get(at)
    }
}
