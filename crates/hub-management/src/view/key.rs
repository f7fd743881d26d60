//! Hub keys, as people see and write them.

use std::fmt;

use hub_types::{ApiKey, GroupSet, KeyId, Permission, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::LimitFields;
use crate::draft::Columns;
use crate::schema;
use crate::validate::Faults;

/// The columns of a key that people write. A creation needs `name`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct KeyFields {
    /// What its owner calls it.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Switched off keys are refused.
    pub is_enabled: bool,
    /// From then on refused.
    pub expires_at: Option<Timestamp>,
    /// May it log in to the management pages?
    pub can_login_web_ui: bool,
    /// Comma list of provider groups; empty = the user's.
    pub provider_group: String,
    /// Which dialects it may speak.
    #[schema(schema_with = schema::permission)]
    pub permissions: Permission,
    /// Tokens since creation or reset; null or 0 = no limit.
    pub token_limit: Option<u64>,
    /// Requests in 60 seconds; null or 0 = no limit.
    pub rpm_limit: Option<u32>,
    /// Money limits.
    #[serde(flatten)]
    pub limits: LimitFields,
    /// Sessions at once; null or 0 = no limit.
    pub limit_concurrent_sessions: Option<u32>,
    /// Are session ids seen on this key collected into the session pool?
    pub collect_session: bool,
}

impl Default for KeyFields {
    fn default() -> Self {
        Self {
            name: String::new(),
            description: String::new(),
            is_enabled: true,
            expires_at: None,
            can_login_web_ui: false,
            provider_group: String::new(),
            permissions: Permission::All,
            token_limit: None,
            rpm_limit: None,
            limits: LimitFields::default(),
            limit_concurrent_sessions: None,
            collect_session: false,
        }
    }
}

impl Columns for KeyFields {
    const REQUIRED: &'static [&'static str] = &["name"];
    const SECRET: &'static [&'static str] = &["key"];
    const READ_ONLY: &'static [&'static str] = &[
        "id",
        "user_id",
        "key",
        "key_hash",
        "key_last4",
        "last_used_at",
        "cost_reset_at",
        "created_at",
        "updated_at",
    ];
}

impl From<&ApiKey> for KeyFields {
    fn from(key: &ApiKey) -> Self {
        Self {
            name: key.name.clone(),
            description: key.description.clone(),
            is_enabled: key.is_enabled,
            expires_at: key.expires_at,
            can_login_web_ui: key.can_login_web_ui,
            provider_group: key.provider_group.clone().into(),
            permissions: key.permissions,
            token_limit: key.token_limit,
            rpm_limit: key.rpm_limit,
            limits: LimitFields::from(&key.limits),
            limit_concurrent_sessions: key.limit_concurrent_sessions,
            collect_session: key.collect_session,
        }
    }
}

impl KeyFields {
    pub(crate) fn check(&self) -> crate::Result<()> {
        let mut faults = Faults::default();
        faults.name("name", &self.name);
        faults.text("description", &self.description);
        faults.groups("provider_group", &self.provider_group);
        faults.check(
            self.token_limit.is_none_or(|limit| i64::try_from(limit).is_ok()),
            "token_limit",
            "is too large",
        );
        self.limits.check(&mut faults);
        faults.into_result()
    }

    /// Writes these columns into a row.
    pub(crate) fn write_to(self, key: &mut ApiKey) {
        key.name = self.name;
        key.description = self.description;
        key.is_enabled = self.is_enabled;
        key.expires_at = self.expires_at;
        key.can_login_web_ui = self.can_login_web_ui;
        key.provider_group = GroupSet::parse(&self.provider_group);
        key.permissions = self.permissions;
        key.token_limit = self.token_limit;
        key.rpm_limit = self.rpm_limit;
        key.limits = self.limits.with_reset(key.limits.cost_reset_at);
        key.limit_concurrent_sessions = self.limit_concurrent_sessions;
        key.collect_session = self.collect_session;
    }
}

/// A hub key. The credential itself is never in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KeyView {
    /// The row.
    #[schema(value_type = i64)]
    pub id: KeyId,
    /// Whose key it is.
    #[schema(value_type = i64)]
    pub user_id: UserId,
    /// What people write.
    #[serde(flatten)]
    pub fields: KeyFields,
    /// The last four characters of the credential.
    pub key_last4: String,
    /// When a request last used it (to the minute).
    pub last_used_at: Option<Timestamp>,
    /// Charges before this moment no longer count.
    pub cost_reset_at: Option<Timestamp>,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row last changed.
    pub updated_at: Timestamp,
}

impl From<&ApiKey> for KeyView {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id,
            user_id: key.user_id,
            fields: KeyFields::from(key),
            key_last4: key.key_last4.clone(),
            last_used_at: key.last_used_at,
            cost_reset_at: key.limits.cost_reset_at,
            created_at: key.created_at,
            updated_at: key.updated_at,
        }
    }
}

/// A key that was just made or rotated: the only time that its credential is shown.
#[derive(Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NewKeyView {
    /// The credential: `cch_` and 40 letters and digits.
    pub key: String,
    /// The key.
    #[serde(flatten)]
    pub view: KeyView,
}

impl fmt::Debug for NewKeyView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewKeyView").field("view", &self.view).finish_non_exhaustive()
    }
}
