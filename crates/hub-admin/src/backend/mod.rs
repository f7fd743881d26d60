//! Where commands take effect: the stores themselves, or a running hub. Both exchange the same views.

mod direct;
mod http;
mod remote;

use async_trait::async_trait;
use hub_management::view::{
    ClearBindingsView, ExplanationView, KeyView, LimitsView, NewKeyView, ProviderBindings,
    ProviderHealthView, ProviderTestView, ProviderView, StatusView, UsageSummaryView, UserView, WhatIfView,
};
use hub_management::{BindingFilter, Patch, UsageQuery};
use hub_session::Observed;
use hub_types::{KeyId, ProviderId, RequestId, UserId};

pub(crate) use direct::Direct;
pub(crate) use remote::Remote;

use crate::failure::Result;
use crate::messages::ClearMessages;

/// The use cases that the command line needs.
#[async_trait]
pub(crate) trait Backend: Send + Sync {
    async fn users(&self) -> Result<Vec<UserView>>;
    async fn create_user(&self, input: &Patch) -> Result<UserView>;
    async fn update_user(&self, id: UserId, input: &Patch) -> Result<UserView>;
    async fn delete_user(&self, id: UserId) -> Result<()>;

    async fn keys(&self, of: Option<UserId>) -> Result<Vec<KeyView>>;
    async fn create_key(&self, owner: UserId, input: &Patch) -> Result<NewKeyView>;
    async fn update_key(&self, id: KeyId, input: &Patch) -> Result<KeyView>;
    async fn rotate_key(&self, id: KeyId) -> Result<NewKeyView>;
    async fn delete_key(&self, id: KeyId) -> Result<()>;

    async fn user_limits(&self, id: UserId) -> Result<LimitsView>;
    async fn key_limits(&self, id: KeyId) -> Result<LimitsView>;
    async fn provider_limits(&self, id: ProviderId) -> Result<LimitsView>;
    async fn reset_user_limits(&self, id: UserId) -> Result<UserView>;
    async fn reset_key_limits(&self, id: KeyId) -> Result<KeyView>;
    async fn reset_provider_limits(&self, id: ProviderId) -> Result<ProviderView>;

    async fn providers(&self) -> Result<Vec<ProviderView>>;
    async fn create_provider(&self, input: &Patch) -> Result<ProviderView>;
    async fn update_provider(&self, id: ProviderId, input: &Patch) -> Result<ProviderView>;
    async fn delete_provider(&self, id: ProviderId) -> Result<()>;
    async fn test_provider(&self, id: ProviderId, input: &Patch) -> Result<ProviderTestView>;
    async fn reset_breaker(&self, id: ProviderId) -> Result<ProviderHealthView>;

    async fn survey_bindings(
        &self,
        filter: &BindingFilter,
        observed: Observed<'_>,
    ) -> Result<Vec<ProviderBindings>>;
    async fn clear_bindings(
        &self,
        surveyed: &[ProviderBindings],
        observed: Observed<'_>,
        messages: &ClearMessages,
    ) -> Result<ClearBindingsView>;

    async fn explain(&self, id: RequestId) -> Result<ExplanationView>;
    async fn what_if(&self, input: &Patch) -> Result<WhatIfView>;

    async fn usage(&self, query: &UsageQuery) -> Result<UsageSummaryView>;
    async fn status(&self) -> Result<StatusView>;
}
