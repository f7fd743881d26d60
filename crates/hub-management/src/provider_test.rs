//! Testing providers: a small real request, and the list of their models. Whether anybody is asked, and who may
//! have it asked, is decided here; how, by whoever runs the hub.

use std::sync::Arc;

use async_trait::async_trait;
use hub_types::{Provider, ProviderId, Secret};

use crate::draft::{self, Columns};
use crate::view::{ProviderFields, ProviderModelsView, ProviderTestFields, ProviderTestView};
use crate::{Management, ManagementError, Patch, Principal, Result};

/// Bytes of a model's name.
const LONGEST_MODEL: usize = 256;

/// What can ask providers over the network. A provider that can't take part (a mistake in its rules or its URL) is
/// not asked: the reason comes back as the error.
#[async_trait]
pub trait ProviderTests: Send + Sync + 'static {
    /// Sends a small real request, for this model if one is given.
    async fn test(
        &self,
        provider: Arc<Provider>,
        model: Option<&str>,
    ) -> std::result::Result<ProviderTestView, String>;

    /// Asks for the list of its models.
    async fn models(&self, provider: Arc<Provider>) -> std::result::Result<ProviderModelsView, String>;
}

impl Columns for ProviderTestFields {
    const REQUIRED: &'static [&'static str] = &[];
    const READ_ONLY: &'static [&'static str] = &[];
}

impl Management {
    /// Tests a provider as it is saved.
    pub async fn test_provider(
        &self,
        principal: &Principal,
        id: ProviderId,
        input: &Patch,
    ) -> Result<ProviderTestView> {
        principal.require_admin()?;
        let model = model(draft::create::<ProviderTestFields>(input)?.model)?;
        let provider = self.living_provider(id).await?;
        let entry = self.audit(principal, "provider.test", format!("provider:{id}"));
        self.repository.append_audit(entry).await?;
        refused(self.provider_tests()?.test(Arc::new(provider), model.as_deref()).await)
    }

    /// Tests a provider that is not saved: the columns of a new one, and `model`.
    pub async fn test_new_provider(&self, principal: &Principal, input: &Patch) -> Result<ProviderTestView> {
        principal.require_admin()?;
        let mut input = input.clone();
        let asked = input.remove("model").map(|model| Patch::from_iter([("model".to_owned(), model)]));
        let fields: ProviderFields = draft::create(&input)?;
        let model = model(draft::create::<ProviderTestFields>(&asked.unwrap_or_default())?.model)?;
        let mut provider = Provider::new(ProviderId(0), "", "", fields.provider_type, Secret::new(""));
        self.apply(fields, &mut provider)?;
        let entry = self.audit(principal, "provider.test", "provider:".to_owned());
        self.repository.append_audit(entry).await?;
        refused(self.provider_tests()?.test(Arc::new(provider), model.as_deref()).await)
    }

    /// The models that a provider tells.
    pub async fn provider_models(&self, principal: &Principal, id: ProviderId) -> Result<ProviderModelsView> {
        principal.require_admin()?;
        let provider = self.living_provider(id).await?;
        refused(self.provider_tests()?.models(Arc::new(provider)).await)
    }

    fn provider_tests(&self) -> Result<&dyn ProviderTests> {
        self.provider_tests.as_deref().ok_or(ManagementError::NoProviderTests)
    }
}

fn model(model: Option<String>) -> Result<Option<String>> {
    match model {
        Some(name) if name.is_empty() || name.len() > LONGEST_MODEL || name.chars().any(char::is_control) => {
            Err(ManagementError::invalid("model", "must be a name of at most 256 bytes"))
        }
        model => Ok(model),
    }
}

fn refused<T>(answer: std::result::Result<T, String>) -> Result<T> {
    answer.map_err(|reason| ManagementError::invalid("provider", reason))
}
