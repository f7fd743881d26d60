//! Commands straight on the stores.

use async_trait::async_trait;
use hub_management::view::{
    ClearBindingsView, ExplanationView, KeyView, LimitsView, List, NewKeyView, ProviderBindings,
    ProviderView, StatusView, UsageSummaryView, UserView, WhatIfView,
};
use hub_management::{BindingFilter, ListQuery, Management, ManagementError, Patch, Principal, UsageQuery};
use hub_session::Observed;
use hub_types::{KeyId, ProviderId, RequestId, UserId};

use super::Backend;
use crate::failure::{Failure, Result};
use crate::messages::{ClearMessages, fill};

const ME: Principal = Principal::cli();

/// The use cases over the stores of the environment.
pub(crate) struct Direct(pub(crate) Management);

#[async_trait]
impl Backend for Direct {
    async fn users(&self) -> Result<Vec<UserView>> {
        all(|query| async move { self.0.list_users(&ME, &query).await }).await
    }

    async fn create_user(&self, input: &Patch) -> Result<UserView> {
        Ok(self.0.create_user(&ME, input).await?)
    }

    async fn update_user(&self, id: UserId, input: &Patch) -> Result<UserView> {
        Ok(self.0.update_user(&ME, id, input).await?)
    }

    async fn delete_user(&self, id: UserId) -> Result<()> {
        Ok(self.0.delete_user(&ME, id).await?)
    }

    async fn keys(&self, of: Option<UserId>) -> Result<Vec<KeyView>> {
        all(|query| async move { self.0.list_keys(&ME, of, &query).await }).await
    }

    async fn create_key(&self, owner: UserId, input: &Patch) -> Result<NewKeyView> {
        Ok(self.0.create_key(&ME, owner, input).await?)
    }

    async fn update_key(&self, id: KeyId, input: &Patch) -> Result<KeyView> {
        Ok(self.0.update_key(&ME, id, input).await?)
    }

    async fn rotate_key(&self, id: KeyId) -> Result<NewKeyView> {
        Ok(self.0.rotate_key(&ME, id).await?)
    }

    async fn delete_key(&self, id: KeyId) -> Result<()> {
        Ok(self.0.delete_key(&ME, id).await?)
    }

    async fn user_limits(&self, id: UserId) -> Result<LimitsView> {
        Ok(self.0.user_limits(&ME, id).await?)
    }

    async fn key_limits(&self, id: KeyId) -> Result<LimitsView> {
        Ok(self.0.key_limits(&ME, id).await?)
    }

    async fn reset_user_limits(&self, id: UserId) -> Result<UserView> {
        Ok(self.0.reset_user_limits(&ME, id).await?)
    }

    async fn reset_key_limits(&self, id: KeyId) -> Result<KeyView> {
        Ok(self.0.reset_key_limits(&ME, id).await?)
    }

    async fn providers(&self) -> Result<Vec<ProviderView>> {
        all(|query| async move { self.0.list_providers(&ME, &query).await }).await
    }

    async fn create_provider(&self, input: &Patch) -> Result<ProviderView> {
        Ok(self.0.create_provider(&ME, input).await?)
    }

    async fn update_provider(&self, id: ProviderId, input: &Patch) -> Result<ProviderView> {
        Ok(self.0.update_provider(&ME, id, input).await?)
    }

    async fn delete_provider(&self, id: ProviderId) -> Result<()> {
        Ok(self.0.delete_provider(&ME, id).await?)
    }

    async fn survey_bindings(
        &self,
        filter: &BindingFilter,
        observed: Observed<'_>,
    ) -> Result<Vec<ProviderBindings>> {
        Ok(self.0.survey_bindings(&ME, filter, observed).await?)
    }

    async fn clear_bindings(
        &self,
        surveyed: &[ProviderBindings],
        observed: Observed<'_>,
        messages: &ClearMessages,
    ) -> Result<ClearBindingsView> {
        match self.0.clear_bindings(&ME, surveyed, observed).await {
            Ok(report) => Ok(report.into()),
            Err(ManagementError::PartlyCleared { sessions, left, reason, .. }) => {
                let text = fill(&fill(messages.partly, &sessions.to_string()), &left.to_string());
                Err(Failure::partly(fill(&text, &reason)))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn explain(&self, id: RequestId) -> Result<ExplanationView> {
        Ok(self.0.explain_request(&ME, id).await?)
    }

    async fn what_if(&self, input: &Patch) -> Result<WhatIfView> {
        Ok(self.0.what_if(&ME, input).await?)
    }

    async fn usage(&self, query: &UsageQuery) -> Result<UsageSummaryView> {
        Ok(self.0.usage_summary(&ME, query).await?)
    }

    async fn status(&self) -> Result<StatusView> {
        Ok(self.0.status(&ME).await?)
    }
}

/// All pages of a list.
async fn all<T, F>(mut list: impl FnMut(ListQuery) -> F) -> Result<Vec<T>>
where
    F: Future<Output = hub_management::Result<List<T>>>,
{
    let mut query = ListQuery { limit: 200, cursor: None };
    let mut items = Vec::new();
    loop {
        let page = list(query.clone()).await?;
        items.extend(page.items);
        match page.next_cursor {
            Some(cursor) => query.cursor = Some(cursor),
            None => return Ok(items),
        }
    }
}
