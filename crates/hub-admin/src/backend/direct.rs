//! Commands straight on the stores.

use std::sync::Arc;

use async_trait::async_trait;
use hub_circuit_breaker::FallbackBreakerStore;
use hub_management::view::{
    ClearBindingsView, ExplanationView, KeyView, LimitsView, List, NewKeyView, ProviderBindings,
    ProviderHealthView, ProviderTestView, ProviderView, StatusView, UsageSummaryView, UserView, WhatIfView,
};
use hub_management::{BindingFilter, ListQuery, Management, ManagementError, Patch, Principal, UsageQuery};
use hub_session::Observed;
use hub_types::{KeyId, ProviderId, RequestId, UserId};

use super::Backend;
use crate::failure::{Failure, Result};
use crate::messages::{ClearMessages, fill};

const ME: Principal = Principal::cli();

/// The use cases over the stores of the environment.
pub(crate) struct Direct {
    pub(crate) management: Management,
    /// Breakers in Redis, and what to say if it does not answer.
    pub(crate) breakers: Option<(Arc<FallbackBreakerStore>, &'static str)>,
}

#[async_trait]
impl Backend for Direct {
    async fn users(&self) -> Result<Vec<UserView>> {
        all(|query| async move { self.management.list_users(&ME, &query).await }).await
    }

    async fn create_user(&self, input: &Patch) -> Result<UserView> {
        Ok(self.management.create_user(&ME, input).await?)
    }

    async fn update_user(&self, id: UserId, input: &Patch) -> Result<UserView> {
        Ok(self.management.update_user(&ME, id, input).await?)
    }

    async fn delete_user(&self, id: UserId) -> Result<()> {
        Ok(self.management.delete_user(&ME, id).await?)
    }

    async fn keys(&self, of: Option<UserId>) -> Result<Vec<KeyView>> {
        all(|query| async move { self.management.list_keys(&ME, of, &query).await }).await
    }

    async fn create_key(&self, owner: UserId, input: &Patch) -> Result<NewKeyView> {
        Ok(self.management.create_key(&ME, owner, input).await?)
    }

    async fn update_key(&self, id: KeyId, input: &Patch) -> Result<KeyView> {
        Ok(self.management.update_key(&ME, id, input).await?)
    }

    async fn rotate_key(&self, id: KeyId) -> Result<NewKeyView> {
        Ok(self.management.rotate_key(&ME, id).await?)
    }

    async fn delete_key(&self, id: KeyId) -> Result<()> {
        Ok(self.management.delete_key(&ME, id).await?)
    }

    async fn user_limits(&self, id: UserId) -> Result<LimitsView> {
        Ok(self.management.user_limits(&ME, id).await?)
    }

    async fn key_limits(&self, id: KeyId) -> Result<LimitsView> {
        Ok(self.management.key_limits(&ME, id).await?)
    }

    async fn provider_limits(&self, id: ProviderId) -> Result<LimitsView> {
        Ok(self.management.provider_limits(&ME, id).await?)
    }

    async fn reset_user_limits(&self, id: UserId) -> Result<UserView> {
        Ok(self.management.reset_user_limits(&ME, id).await?)
    }

    async fn reset_key_limits(&self, id: KeyId) -> Result<KeyView> {
        Ok(self.management.reset_key_limits(&ME, id).await?)
    }

    async fn reset_provider_limits(&self, id: ProviderId) -> Result<ProviderView> {
        Ok(self.management.reset_provider_limits(&ME, id).await?)
    }

    async fn providers(&self) -> Result<Vec<ProviderView>> {
        all(|query| async move { self.management.list_providers(&ME, &query).await }).await
    }

    async fn create_provider(&self, input: &Patch) -> Result<ProviderView> {
        Ok(self.management.create_provider(&ME, input).await?)
    }

    async fn update_provider(&self, id: ProviderId, input: &Patch) -> Result<ProviderView> {
        Ok(self.management.update_provider(&ME, id, input).await?)
    }

    async fn delete_provider(&self, id: ProviderId) -> Result<()> {
        Ok(self.management.delete_provider(&ME, id).await?)
    }

    async fn test_provider(&self, id: ProviderId, input: &Patch) -> Result<ProviderTestView> {
        Ok(self.management.test_provider(&ME, id, input).await?)
    }

    async fn reset_breaker(&self, id: ProviderId) -> Result<ProviderHealthView> {
        let health = self.management.reset_breaker(&ME, id).await?;
        match &self.breakers {
            // What Redis was not told ends with this process.
            Some((breakers, is_away)) if breakers.is_behind() => Err(Failure::failed(is_away)),
            _ => Ok(health),
        }
    }

    async fn survey_bindings(
        &self,
        filter: &BindingFilter,
        observed: Observed<'_>,
    ) -> Result<Vec<ProviderBindings>> {
        Ok(self.management.survey_bindings(&ME, filter, observed).await?)
    }

    async fn clear_bindings(
        &self,
        surveyed: &[ProviderBindings],
        observed: Observed<'_>,
        messages: &ClearMessages,
    ) -> Result<ClearBindingsView> {
        match self.management.clear_bindings(&ME, surveyed, observed).await {
            Ok(report) => Ok(report.into()),
            Err(ManagementError::PartlyCleared { sessions, left, reason, .. }) => {
                let text = fill(&fill(messages.partly, &sessions.to_string()), &left.to_string());
                Err(Failure::partly(fill(&text, &reason)))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn explain(&self, id: RequestId) -> Result<ExplanationView> {
        Ok(self.management.explain_request(&ME, id).await?)
    }

    async fn what_if(&self, input: &Patch) -> Result<WhatIfView> {
        Ok(self.management.what_if(&ME, input).await?)
    }

    async fn usage(&self, query: &UsageQuery) -> Result<UsageSummaryView> {
        Ok(self.management.usage_summary(&ME, query).await?)
    }

    async fn status(&self) -> Result<StatusView> {
        Ok(self.management.status(&ME).await?)
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
