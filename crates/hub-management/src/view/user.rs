//! Users, as people see and write them.

use hub_types::{GroupSet, Role, User, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::LimitFields;
use crate::draft::Columns;
use crate::schema;
use crate::validate::Faults;

/// The columns of a user that people write. A creation needs `name`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct UserFields {
    /// Unique among the living.
    pub name: String,
    /// Free text.
    pub description: String,
    /// What they may do here.
    #[schema(schema_with = schema::role)]
    pub role: Role,
    /// Switched off users are refused.
    pub is_enabled: bool,
    /// From then on refused.
    pub expires_at: Option<Timestamp>,
    /// Comma list of provider groups for their keys; empty = `default`.
    pub provider_group: String,
    /// Labels for people.
    pub tags: Vec<String>,
    /// Models they may ask for; empty = all.
    pub allowed_models: Vec<String>,
    /// Client programs they may use; empty = all.
    pub allowed_clients: Vec<String>,
    /// Client programs they may not use.
    pub blocked_clients: Vec<String>,
    /// Requests in 60 seconds; null or 0 = no limit.
    pub rpm_limit: Option<u32>,
    /// Money limits.
    #[serde(flatten)]
    pub limits: LimitFields,
    /// Sessions at once; null or 0 = no limit.
    pub limit_concurrent_sessions: Option<u32>,
}

impl Default for UserFields {
    fn default() -> Self {
        Self {
            name: String::new(),
            description: String::new(),
            role: Role::User,
            is_enabled: true,
            expires_at: None,
            provider_group: String::new(),
            tags: Vec::new(),
            allowed_models: Vec::new(),
            allowed_clients: Vec::new(),
            blocked_clients: Vec::new(),
            rpm_limit: None,
            limits: LimitFields::default(),
            limit_concurrent_sessions: None,
        }
    }
}

impl Columns for UserFields {
    const REQUIRED: &'static [&'static str] = &["name"];
    const READ_ONLY: &'static [&'static str] = &["id", "cost_reset_at", "created_at", "updated_at"];
}

impl From<&User> for UserFields {
    fn from(user: &User) -> Self {
        Self {
            name: user.name.clone(),
            description: user.description.clone(),
            role: user.role,
            is_enabled: user.is_enabled,
            expires_at: user.expires_at,
            provider_group: user.provider_group.clone().into(),
            tags: user.tags.clone(),
            allowed_models: user.allowed_models.clone(),
            allowed_clients: user.allowed_clients.clone(),
            blocked_clients: user.blocked_clients.clone(),
            rpm_limit: user.rpm_limit,
            limits: LimitFields::from(&user.limits),
            limit_concurrent_sessions: user.limit_concurrent_sessions,
        }
    }
}

impl UserFields {
    pub(crate) fn check(&self) -> crate::Result<()> {
        let mut faults = Faults::default();
        faults.name("name", &self.name);
        faults.text("description", &self.description);
        faults.groups("provider_group", &self.provider_group);
        faults.names("tags", &self.tags);
        faults.names("allowed_models", &self.allowed_models);
        faults.names("allowed_clients", &self.allowed_clients);
        faults.names("blocked_clients", &self.blocked_clients);
        self.limits.check(&mut faults);
        faults.into_result()
    }

    /// The row with these columns; what people don't write is taken over from `row`.
    pub(crate) fn into_row(
        self,
        row: (UserId, Timestamp, Timestamp),
        cost_reset_at: Option<Timestamp>,
    ) -> User {
        let (id, created_at, updated_at) = row;
        User {
            id,
            name: self.name,
            description: self.description,
            role: self.role,
            is_enabled: self.is_enabled,
            expires_at: self.expires_at,
            provider_group: GroupSet::parse(&self.provider_group),
            tags: self.tags,
            allowed_models: self.allowed_models,
            allowed_clients: self.allowed_clients,
            blocked_clients: self.blocked_clients,
            rpm_limit: self.rpm_limit,
            limits: self.limits.with_reset(cost_reset_at),
            limit_concurrent_sessions: self.limit_concurrent_sessions,
            created_at,
            updated_at,
        }
    }
}

/// A user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UserView {
    /// The row.
    #[schema(value_type = i64)]
    pub id: UserId,
    /// What people write.
    #[serde(flatten)]
    pub fields: UserFields,
    /// Charges before this moment no longer count.
    pub cost_reset_at: Option<Timestamp>,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row last changed.
    pub updated_at: Timestamp,
}

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            fields: UserFields::from(user),
            cost_reset_at: user.limits.cost_reset_at,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}
