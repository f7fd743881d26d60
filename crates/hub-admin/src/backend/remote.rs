//! Commands through a running hub's REST interface.

use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use hub_management::view::{
    ClearBindingsFields, ClearBindingsView, ExplanationView, KeyView, LimitsView, List, NewKeyView,
    ProviderBindings, ProviderHealthView, ProviderTestView, ProviderView, StatusView, UsageSummaryView,
    UserView, WhatIfView,
};
use hub_management::{BindingFilter, Patch, UsageQuery};
use hub_session::Observed;
use hub_types::{KeyId, ProviderId, RequestId, Secret, UserId};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::Backend;
use super::http::Caller;
use crate::failure::{Failure, Result};
use crate::messages::{ClearMessages, fill};

/// How long a hub may look through all its sessions or records.
const LONG_WORK: Duration = Duration::from_secs(600);

/// A test may take two minutes (API_TEST_TIMEOUT_MS), and wait for its turn.
const LONGEST_TEST: Duration = Duration::from_secs(180);

/// The use cases of a running hub.
pub(crate) struct Remote(Caller);

impl Remote {
    /// A hub at an address, with ADMIN_TOKEN.
    pub(crate) fn new(server: &str, token: &Secret) -> Result<Self> {
        Caller::new(server, token).map(Self)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        view(self.0.call(Method::GET, path, None).await?)
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, input: Option<&Patch>) -> Result<T> {
        view(self.0.call(Method::POST, path, input.map(|input| json!(input))).await?)
    }

    async fn patch<T: DeserializeOwned>(&self, path: &str, input: &Patch) -> Result<T> {
        view(self.0.call(Method::PATCH, path, Some(json!(input))).await?)
    }

    async fn clear(&self, fields: &ClearBindingsFields) -> Result<ClearBindingsView> {
        let path = "/sessions/clear-bindings";
        view(self.0.call_within(LONG_WORK, Method::POST, path, Some(json!(fields))).await?)
    }

    async fn delete(&self, path: &str) -> Result<()> {
        self.0.call(Method::DELETE, path, None).await.map(drop)
    }

    /// All pages of a list.
    async fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let after = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let page: List<T> = self.get(&format!("{path}?limit=200{after}")).await?;
            items.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(items);
            }
        }
    }
}

fn view<T: DeserializeOwned>(answer: Value) -> Result<T> {
    serde_json::from_value(answer).map_err(|error| Failure::failed(format!("not a hub's answer: {error}")))
}

#[async_trait]
impl Backend for Remote {
    async fn users(&self) -> Result<Vec<UserView>> {
        self.list("/users").await
    }

    async fn create_user(&self, input: &Patch) -> Result<UserView> {
        self.post("/users", Some(input)).await
    }

    async fn update_user(&self, id: UserId, input: &Patch) -> Result<UserView> {
        self.patch(&format!("/users/{id}"), input).await
    }

    async fn delete_user(&self, id: UserId) -> Result<()> {
        self.delete(&format!("/users/{id}")).await
    }

    async fn keys(&self, of: Option<UserId>) -> Result<Vec<KeyView>> {
        match of {
            Some(id) => self.list(&format!("/users/{id}/keys")).await,
            None => self.list("/keys").await,
        }
    }

    async fn create_key(&self, owner: UserId, input: &Patch) -> Result<NewKeyView> {
        self.post(&format!("/users/{owner}/keys"), Some(input)).await
    }

    async fn update_key(&self, id: KeyId, input: &Patch) -> Result<KeyView> {
        self.patch(&format!("/keys/{id}"), input).await
    }

    async fn rotate_key(&self, id: KeyId) -> Result<NewKeyView> {
        self.post(&format!("/keys/{id}/rotate"), None).await
    }

    async fn delete_key(&self, id: KeyId) -> Result<()> {
        self.delete(&format!("/keys/{id}")).await
    }

    async fn user_limits(&self, id: UserId) -> Result<LimitsView> {
        self.get(&format!("/users/{id}/limits")).await
    }

    async fn key_limits(&self, id: KeyId) -> Result<LimitsView> {
        self.get(&format!("/keys/{id}/limits")).await
    }

    async fn provider_limits(&self, id: ProviderId) -> Result<LimitsView> {
        self.get(&format!("/providers/{id}/limits")).await
    }

    async fn reset_user_limits(&self, id: UserId) -> Result<UserView> {
        self.post(&format!("/users/{id}/limits/reset"), None).await
    }

    async fn reset_key_limits(&self, id: KeyId) -> Result<KeyView> {
        self.post(&format!("/keys/{id}/limits/reset"), None).await
    }

    async fn reset_provider_limits(&self, id: ProviderId) -> Result<ProviderView> {
        self.post(&format!("/providers/{id}/limits/reset"), None).await
    }

    async fn providers(&self) -> Result<Vec<ProviderView>> {
        self.list("/providers").await
    }

    async fn create_provider(&self, input: &Patch) -> Result<ProviderView> {
        self.post("/providers", Some(input)).await
    }

    async fn update_provider(&self, id: ProviderId, input: &Patch) -> Result<ProviderView> {
        self.patch(&format!("/providers/{id}"), input).await
    }

    async fn delete_provider(&self, id: ProviderId) -> Result<()> {
        self.delete(&format!("/providers/{id}")).await
    }

    async fn test_provider(&self, id: ProviderId, input: &Patch) -> Result<ProviderTestView> {
        let path = format!("/providers/{id}/test");
        view(self.0.call_within(LONGEST_TEST, Method::POST, &path, Some(json!(input))).await?)
    }

    async fn reset_breaker(&self, id: ProviderId) -> Result<ProviderHealthView> {
        self.post(&format!("/providers/{id}/breaker/reset"), None).await
    }

    async fn survey_bindings(
        &self,
        filter: &BindingFilter,
        _: Observed<'_>,
    ) -> Result<Vec<ProviderBindings>> {
        let fields = ClearBindingsFields { dry_run: true, ..ClearBindingsFields::from(filter) };
        Ok(self.clear(&fields).await?.providers)
    }

    /// What was surveyed is cleared, whatever the filter would find by now.
    async fn clear_bindings(
        &self,
        surveyed: &[ProviderBindings],
        _: Observed<'_>,
        messages: &ClearMessages,
    ) -> Result<ClearBindingsView> {
        let id = Some(surveyed.iter().map(|row| row.id.0).collect());
        let cleared = self.clear(&ClearBindingsFields { id, ..ClearBindingsFields::default() }).await;
        cleared.map_err(|failure| match failure.exit_code {
            3 => Failure::partly(fill(messages.partly_at_server, &failure.message)),
            _ => failure,
        })
    }

    async fn explain(&self, id: RequestId) -> Result<ExplanationView> {
        self.get(&format!("/requests/{id}/explain")).await
    }

    async fn what_if(&self, input: &Patch) -> Result<WhatIfView> {
        view(self.0.call_within(LONG_WORK, Method::POST, "/routing/what-if", Some(json!(input))).await?)
    }

    async fn usage(&self, query: &UsageQuery) -> Result<UsageSummaryView> {
        self.get(&format!("/usage/summary?{}", usage_query(query)?)).await
    }

    async fn status(&self) -> Result<StatusView> {
        self.get("/system/status").await
    }
}

fn usage_query(query: &UsageQuery) -> Result<String> {
    let mut text = form_urlencoded::Serializer::new(String::new());
    let word = serde_json::to_value(query.group_by).map_err(Failure::failed)?;
    text.append_pair("group_by", word.as_str().unwrap_or("total"));
    let given = [
        ("from", query.from.map(|at| at.to_string())),
        ("to", query.to.map(|at| at.to_string())),
        ("user_id", query.user_id.map(|id| id.to_string())),
        ("model", query.model.clone()),
    ];
    for (name, value) in given {
        if let Some(value) = value {
            text.append_pair(name, &value);
        }
    }
    Ok(text.finish())
}
