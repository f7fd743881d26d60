//! Providers: list, show, create, edit, delete.

mod check;

pub(crate) use check::check_choosing;

use hub_types::{Provider, ProviderId, Secret};

use crate::audit::redacted_provider;
use crate::management::{page, retry_on_conflict};
use crate::params::ListQuery;
use crate::proxy_url::MASK;
use crate::view::{List, ProviderFields, ProviderView};
use crate::{Management, ManagementError, Patch, Principal, Result, cursor, draft};

impl Management {
    /// Living providers.
    pub async fn list_providers(
        &self,
        principal: &Principal,
        query: &ListQuery,
    ) -> Result<List<ProviderView>> {
        principal.require_admin()?;
        let rows = self.repository.list_providers(page(query)?).await?;
        Ok(List::page(
            rows,
            query.limit,
            |provider| cursor::of_id(provider.id.0),
            |provider| ProviderView::from(provider),
        ))
    }

    /// One provider.
    pub async fn show_provider(&self, principal: &Principal, id: ProviderId) -> Result<ProviderView> {
        principal.require_admin()?;
        Ok(ProviderView::from(&self.living_provider(id).await?))
    }

    /// Adds a provider.
    pub async fn create_provider(&self, principal: &Principal, input: &Patch) -> Result<ProviderView> {
        principal.require_admin()?;
        let fields: ProviderFields = draft::create(input)?;
        let now = self.now();
        let mut provider = Provider::new(ProviderId(0), "", "", fields.provider_type, Secret::new(""));
        (provider.created_at, provider.updated_at) = (now, now);
        self.apply(fields, &mut provider)?;
        let mut entry = self.audit(principal, "provider.create", "provider:".to_owned());
        entry.after = redacted_provider(&ProviderView::from(&provider));
        Ok(ProviderView::from(&self.repository.insert_provider(&provider, entry).await?))
    }

    /// Edits a provider by a merge patch.
    pub async fn update_provider(
        &self,
        principal: &Principal,
        id: ProviderId,
        input: &Patch,
    ) -> Result<ProviderView> {
        principal.require_admin()?;
        retry_on_conflict(|| async {
            let before = self.living_provider(id).await?;
            let mut after = before.clone();
            self.apply(draft::patch(&ProviderFields::from(&before), input)?, &mut after)?;
            if drops_bindings(&before, &after) {
                after.generation = before.generation.saturating_add(1);
            }
            after.updated_at = self.later_than(before.updated_at);
            let mut entry = self.audit(principal, "provider.update", format!("provider:{id}"));
            entry.before = redacted_provider(&ProviderView::from(&before));
            entry.after = redacted_provider(&ProviderView::from(&after));
            self.repository.update_provider(&after, before.updated_at, entry).await?;
            Ok(ProviderView::from(&after))
        })
        .await
    }

    /// Deletes a provider. Its records stay.
    pub async fn delete_provider(&self, principal: &Principal, id: ProviderId) -> Result<()> {
        principal.require_admin()?;
        let before = self.living_provider(id).await?;
        let mut entry = self.audit(principal, "provider.delete", format!("provider:{id}"));
        entry.before = redacted_provider(&ProviderView::from(&before));
        Ok(self.repository.delete_provider(id, self.now(), entry).await?)
    }

    pub(crate) fn apply(&self, fields: ProviderFields, provider: &mut Provider) -> Result<()> {
        apply_columns(fields, provider, self.settings.allow_private_upstreams)
    }

    pub(crate) async fn living_provider(&self, id: ProviderId) -> Result<Provider> {
        self.repository.find_provider(id).await?.ok_or(ManagementError::NotFound)
    }
}

/// Checks the columns and writes them into the row, secrets included.
fn apply_columns(fields: ProviderFields, provider: &mut Provider, allow_private: bool) -> Result<()> {
    let shown = ProviderFields::from(&*provider);
    let credential = match &fields.credential {
        None => Secret::new(""),
        Some(text) if !text.is_mask() => text.secret().clone(),
        // The masked form comes back from whoever edits what was read: it stands for no change.
        Some(mask) if shown.credential.is_some_and(|shown| shown.mask() == mask.mask()) => {
            provider.credential.clone()
        }
        Some(_) => return Err(ManagementError::invalid("credential", "is a masked one, not a credential")),
    };
    let proxy_url = match &fields.proxy_url {
        None => None,
        url if *url == shown.proxy_url => provider.proxy_url.clone(),
        Some(url) if url.contains(&format!(":{MASK}@")) => {
            return Err(ManagementError::invalid("proxy_url", "has a masked password: write the whole URL"));
        }
        Some(url) => Some(Secret::new(url.clone())),
    };
    check::check(&fields, &credential, proxy_url.as_ref(), allow_private)?;
    provider.credential = credential;
    provider.proxy_url = proxy_url;
    fields.write_to(provider);
    Ok(())
}

/// Does the edit make the provider another one, to which conversations must not stay bound?
fn drops_bindings(before: &Provider, after: &Provider) -> bool {
    before.url != after.url
        || before.provider_type != after.provider_type
        || before.is_enabled != after.is_enabled
        || !before.credential.matches(after.credential.expose())
}
