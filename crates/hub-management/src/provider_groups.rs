//! Provider groups: list, create, edit, delete.

use hub_types::ProviderGroup;

use crate::audit::redacted;
use crate::view::{List, ProviderGroupFields, ProviderGroupView};
use crate::{Management, ManagementError, Patch, Principal, Result, draft};

impl Management {
    /// All groups that have a row of their own.
    pub async fn list_provider_groups(&self, principal: &Principal) -> Result<List<ProviderGroupView>> {
        principal.require_admin()?;
        let groups = self.repository.load_catalogue().await?.groups;
        Ok(List::whole(groups.iter().map(ProviderGroupView::from).collect()))
    }

    /// Adds a group.
    pub async fn create_provider_group(
        &self,
        principal: &Principal,
        input: &Patch,
    ) -> Result<ProviderGroupView> {
        principal.require_admin()?;
        let fields: ProviderGroupFields = draft::create(input)?;
        fields.check()?;
        if self.provider_group(&fields.name).await?.is_some() {
            return Err(ManagementError::Duplicate { field: "name" });
        }
        self.put_group(principal, "provider_group.create", None, fields).await
    }

    /// Edits a group by a merge patch. Its name stays: providers and keys refer to it.
    pub async fn update_provider_group(
        &self,
        principal: &Principal,
        name: &str,
        input: &Patch,
    ) -> Result<ProviderGroupView> {
        principal.require_admin()?;
        let before = self.provider_group(name).await?.ok_or(ManagementError::NotFound)?;
        let before = ProviderGroupView::from(&before);
        let fields = draft::patch(&before, input)?;
        if fields.name != name {
            let message = "can't be changed: make a new group and move its members";
            return Err(ManagementError::invalid("name", message));
        }
        fields.check()?;
        self.put_group(principal, "provider_group.update", Some(before), fields).await
    }

    /// Removes a group's row; its members stay in a group of that name, with a factor of 1.
    pub async fn delete_provider_group(&self, principal: &Principal, name: &str) -> Result<()> {
        principal.require_admin()?;
        let before = self.provider_group(name).await?.ok_or(ManagementError::NotFound)?;
        let mut entry = self.audit(principal, "provider_group.delete", format!("provider_group:{name}"));
        entry.before = redacted(&ProviderGroupView::from(&before));
        Ok(self.repository.delete_provider_group(name, entry).await?)
    }

    async fn put_group(
        &self,
        principal: &Principal,
        action: &str,
        before: Option<ProviderGroupView>,
        fields: ProviderGroupFields,
    ) -> Result<ProviderGroupView> {
        let mut entry = self.audit(principal, action, format!("provider_group:{}", fields.name));
        entry.before = before.as_ref().and_then(redacted);
        entry.after = redacted(&fields);
        self.repository.put_provider_group(&fields.clone().into_row(), entry).await?;
        Ok(fields)
    }

    async fn provider_group(&self, name: &str) -> Result<Option<ProviderGroup>> {
        let groups = self.repository.load_catalogue().await?.groups;
        Ok(groups.into_iter().find(|group| group.name == name))
    }
}
