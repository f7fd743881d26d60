//! What is asked of a repository, and the rows it answers with that are not nouns of their own.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use hub_types::{
    Dialect, ErrorRule, KeyId, Money, PriceRow, Provider, ProviderGroup, ProviderId, ProviderType, RequestId,
    RequestRecord, Role, Usage, UserId,
};

/// Everything the request path needs to know about providers, read in one transaction.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// The version of [`crate::Topic::Catalogue`] that this is.
    pub version: i64,
    /// Living providers, enabled or not, credentials opened.
    pub providers: Vec<Provider>,
    /// Groups with price factors.
    pub groups: Vec<ProviderGroup>,
    /// Stored prices (manual and synced; the built-in table is in hub-pricing).
    pub prices: Vec<PriceRow>,
    /// Living error rules, enabled or not.
    pub error_rules: Vec<ErrorRule>,
    /// Settings by key; values are JSON texts.
    pub settings: Vec<(String, String)>,
}

/// So many versions of the catalogue can be looked back.
pub const KEPT_VERSIONS: i64 = 10_000;

/// A page of a list ordered by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Only rows with a greater id.
    pub after: Option<i64>,
    /// At most so many rows.
    pub limit: u32,
}

/// What people recognise a provider by, whether it still lives or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderLabel {
    /// The row.
    pub id: ProviderId,
    /// Its name. A deleted one may share it with a living one.
    pub name: String,
    /// The wire it speaks.
    pub provider_type: ProviderType,
    /// Its priority; the smaller comes first.
    pub priority: i32,
    /// Was it deleted?
    pub is_deleted: bool,
}

/// Classes of status codes in filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusClass {
    /// 2xx.
    Ok,
    /// 4xx.
    ClientError,
    /// 5xx, and requests that got no answer.
    ServerError,
}

/// In which order of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// From the latest back.
    #[default]
    NewestFirst,
    /// As things happened.
    OldestFirst,
}

/// Which request records are wanted, and in which order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RequestFilter {
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
    /// Of this user.
    pub user_id: Option<UserId>,
    /// Of this key.
    pub key_id: Option<KeyId>,
    /// Answered by this provider.
    pub provider_id: Option<ProviderId>,
    /// For this model, as requested.
    pub model: Option<String>,
    /// In this dialect.
    pub dialect: Option<Dialect>,
    /// With such a status.
    pub status_class: Option<StatusClass>,
    /// Of this conversation.
    pub session_id: Option<String>,
    /// That cost at least so much.
    pub min_cost: Option<Money>,
    /// In which order.
    pub order: Order,
    /// Only records that come after this one in the order: the last row of the page before.
    pub beyond: Option<(Timestamp, RequestId)>,
    /// At most so many rows.
    pub limit: u32,
}

/// A request record with the names that people know its parts by (also of deleted rows).
#[derive(Debug, Clone, PartialEq)]
pub struct RequestRow {
    /// The record.
    pub record: RequestRecord,
    /// The user's name.
    pub user_name: Option<String>,
    /// The key's name.
    pub key_name: Option<String>,
}

/// Whose names are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NamesWanted {
    /// Of these users.
    pub users: BTreeSet<UserId>,
    /// Of these keys, together with their owners.
    pub keys: BTreeSet<KeyId>,
    /// Of these providers.
    pub providers: BTreeSet<ProviderId>,
}

/// A key's name, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyName {
    /// What people call it.
    pub name: String,
    /// Its owner.
    pub user_id: UserId,
    /// What the owner is called.
    pub user_name: String,
}

/// What people call things, also deleted ones. Ids that no row ever had are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// Users.
    pub users: HashMap<UserId, String>,
    /// Keys and their owners.
    pub keys: HashMap<KeyId, KeyName>,
    /// Providers.
    pub providers: HashMap<ProviderId, String>,
}

/// What a usage report is grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// One row for everything.
    Total,
    /// A row a user.
    User,
    /// A row a key.
    Key,
    /// A row a provider.
    Provider,
    /// A row a model.
    Model,
}

/// Which roll-ups a usage report adds up. Bounds are cut to whole hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageFilter {
    /// From this hour on.
    pub from: Timestamp,
    /// Before this hour.
    pub to: Timestamp,
    /// Of this user.
    pub user_id: Option<UserId>,
    /// Of this key.
    pub key_id: Option<KeyId>,
    /// Served by this provider.
    pub provider_id: Option<ProviderId>,
    /// For this model.
    pub model: Option<String>,
    /// A row for each what?
    pub group_by: GroupBy,
}

/// A row of a usage report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// Id or model name of the group; empty for the total.
    pub group: String,
    /// Its name, for users, keys and providers.
    pub name: Option<String>,
    /// Ledger lines.
    pub requests: u64,
    /// Of these, lines whose status is not 2xx.
    pub errors: u64,
    /// Tokens.
    pub usage: Usage,
    /// Cost of lines with a known price.
    pub cost: Money,
    /// Lines whose model has no known price.
    pub unpriced: u64,
}

/// What a batch of records changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriteSummary {
    /// Records that were not there before.
    pub records: u64,
    /// Ledger lines that were not there before.
    pub ledger_lines: u64,
}

/// A login to the management pages. Only the token's hash is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginSession {
    /// SHA-256 of the token, hex.
    pub token_hash: String,
    /// What its cross-site token must be.
    pub csrf_token: String,
    /// Who logged in; `None` = with ADMIN_TOKEN.
    pub user_id: Option<UserId>,
    /// What they may do.
    pub role: Role,
    /// Until when.
    pub expires_at: Timestamp,
}

/// What an admin did, to be appended to the audit log in the same transaction as the change itself.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who: `admin-token`, `user:3`, `cli`.
    pub actor: String,
    /// What: `user.create`, `provider.update`, …
    pub action: String,
    /// On what: `provider:7`. For a creation the repository fills in the new id (`provider:`→`provider:7`).
    pub target: String,
    /// The row before, as JSON without secrets.
    pub before: Option<String>,
    /// The row after, as JSON without secrets.
    pub after: Option<String>,
    /// The caller's address.
    pub address: Option<String>,
    /// Did it work?
    pub success: bool,
}

/// A kept audit entry.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// The row.
    pub id: i64,
    /// What happened.
    pub entry: AuditEntry,
}
