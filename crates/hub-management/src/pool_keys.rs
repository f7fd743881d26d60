//! Keys by way of the session pool's interface: another dialect of the same rows.

use hub_repository::Page;
use hub_types::{ApiKey, KeyId, UserId};
use serde_json::{Value, json};

use crate::session_pool::only_field;
use crate::view::{NewPoolKeyView, PoolKeyView};
use crate::{FieldError, Management, ManagementError, Patch, Principal, Result};

/// Who owns the keys that are made here. The user is made with the first of them.
const OWNER: &str = "session-pool";
/// Rows read at a time.
const PAGE: u32 = 200;
/// The fields of a creation and their columns.
const FIELDS: [(&str, &str); 6] = [
    ("name", "name"),
    ("description", "description"),
    ("collectSession", "collect_session"),
    ("tokenLimit", "token_limit"),
    ("concurrencyLimit", "limit_concurrent_sessions"),
    ("permissions", "permissions"),
];

impl Management {
    /// All living keys, of all users.
    pub async fn list_pool_keys(&self, principal: &Principal) -> Result<Vec<PoolKeyView>> {
        principal.require_admin()?;
        let mut views = Vec::new();
        let mut after = None;
        loop {
            let rows: Vec<ApiKey> = self.repository.list_keys(None, Page { after, limit: PAGE }).await?;
            views.extend(rows.iter().map(PoolKeyView::from));
            match rows.last() {
                Some(last) if rows.len() >= PAGE as usize => after = Some(last.id.0),
                _ => return Ok(views),
            }
        }
    }

    /// One key.
    pub async fn show_pool_key(&self, principal: &Principal, id: KeyId) -> Result<PoolKeyView> {
        principal.require_admin()?;
        Ok(PoolKeyView::from(&self.living_key(id).await?))
    }

    /// Adds a key to the user `session-pool`, which is made if there is none. The answer is the only place
    /// where the credential is ever shown.
    pub async fn create_pool_key(&self, principal: &Principal, input: &Patch) -> Result<NewPoolKeyView> {
        principal.require_admin()?;
        let (columns, mut errors) = columns(input);
        // Held against the rules before anything is made.
        match Self::check_key(&columns).map_err(in_fields) {
            Err(ManagementError::Invalid(more)) => errors.extend(more),
            other => other?,
        }
        if !errors.is_empty() {
            return Err(ManagementError::Invalid(errors));
        }
        let owner = self.pool_owner(principal).await?;
        let new = self.create_key(principal, owner, &columns).await.map_err(in_fields)?;
        let view = self.show_pool_key(principal, new.view.id).await?;
        Ok(NewPoolKeyView { view, api_key: new.key })
    }

    /// Marks a key for collecting, or takes the mark away: `{"collectSession": bool}`.
    pub async fn set_collect_session(
        &self,
        principal: &Principal,
        id: KeyId,
        input: &Patch,
    ) -> Result<PoolKeyView> {
        principal.require_admin()?;
        let Value::Bool(collects) = only_field(input, "collectSession")? else {
            return Err(ManagementError::invalid("collectSession", "must be true or false"));
        };
        let patch = Patch::from_iter([("collect_session".to_owned(), json!(collects))]);
        self.update_key(principal, id, &patch).await?;
        self.show_pool_key(principal, id).await
    }

    async fn pool_owner(&self, principal: &Principal) -> Result<UserId> {
        if let Some(owner) = self.find_pool_owner().await? {
            return Ok(owner);
        }
        let description = "Owner of the keys made through /admin/api-keys.";
        let columns = json!({"name": OWNER, "description": description});
        let Value::Object(columns) = columns else { return Err(ManagementError::Conflict) };
        match self.create_user(principal, &columns).await {
            Ok(user) => Ok(user.id),
            // Somebody else made it in between.
            Err(ManagementError::Duplicate { .. }) => {
                self.find_pool_owner().await?.ok_or(ManagementError::Conflict)
            }
            Err(error) => Err(error),
        }
    }

    async fn find_pool_owner(&self) -> Result<Option<UserId>> {
        let mut after = None;
        loop {
            let users = self.repository.list_users(Page { after, limit: PAGE }).await?;
            if let Some(owner) = users.iter().find(|user| user.name == OWNER) {
                return Ok(Some(owner.id));
            }
            match users.last() {
                Some(last) if users.len() >= PAGE as usize => after = Some(last.id.0),
                _ => return Ok(None),
            }
        }
    }
}

/// The columns that the fields stand for, and the fields that stand for none.
fn columns(input: &Patch) -> (Patch, Vec<FieldError>) {
    let (mut columns, mut errors) = (Patch::new(), Vec::new());
    for (name, value) in input {
        match FIELDS.iter().find(|(field, _)| field == name) {
            Some((_, column)) => {
                columns.insert((*column).to_owned(), value.clone());
            }
            None => errors.push(FieldError::new(name, "unknown field")),
        }
    }
    (columns, errors)
}

/// The error with the columns under the names that the caller knows them by.
fn in_fields(error: ManagementError) -> ManagementError {
    let ManagementError::Invalid(mut errors) = error else { return error };
    for error in &mut errors {
        if let Some((field, _)) = FIELDS.iter().find(|(_, column)| *column == error.field) {
            (*field).clone_into(&mut error.field);
        }
    }
    ManagementError::Invalid(errors)
}
