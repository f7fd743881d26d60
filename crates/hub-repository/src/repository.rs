//! The seam between the hub and its database.

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::broadcast;

use hub_types::{
    ApiKey, ErrorRule, ErrorRuleId, KeyHash, KeyId, PriceRow, Provider, ProviderGroup, ProviderId,
    ProviderShape, RequestId, RequestRecord, User, UserId, WebhookTarget, WebhookTargetId,
};

use crate::{
    AuditEntry, AuditRow, Caller, Catalogue, Change, LedgerQuestion, LedgerSum, LimitEvent, LimitEventFilter,
    LoginSession, Names, NamesWanted, Page, ProviderLabel, RepositoryError, RequestFilter, RequestRow,
    UsageFilter, UsageRow, WriteSummary,
};

type Result<T> = std::result::Result<T, RepositoryError>;

/// A database that keeps what the hub must not forget.
///
/// Rows are inserted as given: ids of new rows are chosen by the database (the given id is ignored),
/// timestamps come from the caller. Every edit of users, keys, providers, groups, prices, error rules and settings is one
/// transaction with its audit entry and its change notice. Deleting is soft; names of the dead may be used
/// again. Every call has a deadline, after which it fails with [`RepositoryError::Unavailable`].
#[async_trait]
pub trait Repository: Send + Sync + 'static {
    // -- users ---------------------------------------------------------------------------------------------

    /// Living users by id.
    async fn list_users(&self, page: Page) -> Result<Vec<User>>;
    /// One living user.
    async fn find_user(&self, id: UserId) -> Result<Option<User>>;
    /// Adds a user. Fails with `Duplicate { field: "name" }`.
    async fn insert_user(&self, user: &User, audit: AuditEntry) -> Result<User>;
    /// Replaces a user's columns if the row's `updated_at` still is `seen`, else `Conflict`.
    async fn update_user(&self, user: &User, seen: Timestamp, audit: AuditEntry) -> Result<()>;
    /// Deletes a user and the user's keys.
    async fn delete_user(&self, id: UserId, at: Timestamp, audit: AuditEntry) -> Result<()>;

    // -- keys ----------------------------------------------------------------------------------------------

    /// Living keys by id, of one user or of all.
    async fn list_keys(&self, of: Option<UserId>, page: Page) -> Result<Vec<ApiKey>>;
    /// One living key.
    async fn find_key(&self, id: KeyId) -> Result<Option<ApiKey>>;
    /// The living key with this hash and its living user, whether enabled or not.
    async fn find_caller(&self, hash: &KeyHash) -> Result<Option<Caller>>;
    /// Adds a key. Fails with `NotFound` if its user isn't living, `Duplicate { field: "name" }` if the same user has a living key of that name.
    async fn insert_key(&self, key: &ApiKey, audit: AuditEntry) -> Result<ApiKey>;
    /// Replaces a key's columns (hash and last four included) if `updated_at` still is `seen`, else `Conflict`.
    async fn update_key(&self, key: &ApiKey, seen: Timestamp, audit: AuditEntry) -> Result<()>;
    /// Deletes a key.
    async fn delete_key(&self, id: KeyId, at: Timestamp, audit: AuditEntry) -> Result<()>;
    /// Notes when keys were last used. No notice, no audit; older times never overwrite newer ones.
    async fn touch_keys(&self, used: &[(KeyId, Timestamp)]) -> Result<()>;

    // -- providers, groups, prices, settings ---------------------------------------------------------------

    /// Everything the request path needs, in one consistent read.
    async fn load_catalogue(&self) -> Result<Catalogue>;
    /// What choosing went by in a version of the catalogue: its providers by id. `None` if that version has not
    /// been yet, or is more than [`crate::KEPT_VERSIONS`] versions ago and forgotten.
    async fn provider_shapes(&self, version: i64) -> Result<Option<Vec<ProviderShape>>>;
    /// Living providers by id, credentials opened.
    async fn list_providers(&self, page: Page) -> Result<Vec<Provider>>;
    /// One living provider, credential opened.
    async fn find_provider(&self, id: ProviderId) -> Result<Option<Provider>>;
    /// Adds a provider, sealing its secrets. Fails with `Duplicate { field: "name" }`.
    async fn insert_provider(&self, provider: &Provider, audit: AuditEntry) -> Result<Provider>;
    /// Replaces a provider's columns if `updated_at` still is `seen`, else `Conflict`.
    async fn update_provider(&self, provider: &Provider, seen: Timestamp, audit: AuditEntry) -> Result<()>;
    /// Deletes a provider.
    async fn delete_provider(&self, id: ProviderId, at: Timestamp, audit: AuditEntry) -> Result<()>;
    /// Providers by id, the deleted ones included, without what is secret or large.
    async fn list_provider_labels(&self, page: Page) -> Result<Vec<ProviderLabel>>;
    /// Raises the generation of providers, deleted ones included, and answers the new ones by id. Ids that no
    /// row has are left out.
    async fn bump_generations(
        &self,
        ids: &[ProviderId],
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<Vec<(ProviderId, i64)>>;
    /// Adds or replaces a group by name.
    async fn put_provider_group(&self, group: &ProviderGroup, audit: AuditEntry) -> Result<()>;
    /// Removes a group by name.
    async fn delete_provider_group(&self, name: &str, audit: AuditEntry) -> Result<()>;
    /// Adds or replaces prices by model and source; versions are raised by the repository.
    async fn put_prices(&self, prices: &[PriceRow], at: Timestamp, audit: AuditEntry) -> Result<()>;
    /// Sets one setting to a JSON text.
    async fn put_setting(&self, key: &str, value: &str, at: Timestamp, audit: AuditEntry) -> Result<()>;

    // -- error rules ---------------------------------------------------------------------------------------

    /// Living rules by id.
    async fn list_error_rules(&self, page: Page) -> Result<Vec<ErrorRule>>;
    /// One living rule.
    async fn find_error_rule(&self, id: ErrorRuleId) -> Result<Option<ErrorRule>>;
    /// Adds a rule. Fails with `Duplicate { field: "name" }`.
    async fn insert_error_rule(&self, rule: &ErrorRule, audit: AuditEntry) -> Result<ErrorRule>;
    /// Replaces a rule's columns if `updated_at` still is `seen`, else `Conflict`.
    async fn update_error_rule(&self, rule: &ErrorRule, seen: Timestamp, audit: AuditEntry) -> Result<()>;
    /// Deletes a rule.
    async fn delete_error_rule(&self, id: ErrorRuleId, at: Timestamp, audit: AuditEntry) -> Result<()>;

    // -- webhook targets -----------------------------------------------------------------------------------

    /// Living targets by id, URLs opened. Edits of them are audited, and no notice tells of them.
    async fn list_webhook_targets(&self, page: Page) -> Result<Vec<WebhookTarget>>;
    /// One living target, URL opened.
    async fn find_webhook_target(&self, id: WebhookTargetId) -> Result<Option<WebhookTarget>>;
    /// Adds a target, sealing its URL. Fails with `Duplicate { field: "name" }`.
    async fn insert_webhook_target(&self, target: &WebhookTarget, audit: AuditEntry)
    -> Result<WebhookTarget>;
    /// Replaces a target's columns if `updated_at` still is `seen`, else `Conflict`.
    async fn update_webhook_target(
        &self,
        target: &WebhookTarget,
        seen: Timestamp,
        audit: AuditEntry,
    ) -> Result<()>;
    /// Deletes a target.
    async fn delete_webhook_target(
        &self,
        id: WebhookTargetId,
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<()>;

    // -- requests, ledger, usage ---------------------------------------------------------------------------

    /// Writes records, their ledger lines, the roll-ups and the counts of refusals in one transaction. Idempotent by request and
    /// attempt id: what is there already changes nothing, roll-ups included. What it answered `Ok` for
    /// survives a power cut: the journal deletes its own copy then.
    async fn write_records(&self, records: &[RequestRecord]) -> Result<WriteSummary> {
        self.write_journalled(records, &[]).await
    }
    /// The same, with the JSON texts of the records, in their order, where these are at hand: what is stored of a
    /// record need not be put into words again then.
    async fn write_journalled(&self, records: &[RequestRecord], texts: &[String]) -> Result<WriteSummary>;
    /// Request records.
    async fn list_requests(&self, filter: &RequestFilter) -> Result<Vec<RequestRow>>;
    /// One request record with its whole decision chain.
    async fn find_request(&self, id: RequestId) -> Result<Option<RequestRow>>;
    /// What users, keys and providers are called, the deleted ones included: one read for a whole page of a list.
    async fn find_names(&self, wanted: &NamesWanted) -> Result<Names>;
    /// Sums of the hourly roll-ups, largest cost first.
    async fn usage(&self, filter: &UsageFilter) -> Result<Vec<UsageRow>>;
    /// What was charged to somebody: for each sum wanted what was found, by time, in one consistent read. Where
    /// nothing was found, nothing is listed.
    async fn ledger_sums(&self, question: &LedgerQuestion) -> Result<Vec<Vec<LedgerSum>>>;
    /// How many requests limits have refused, as their records say; the latest hours first.
    async fn limit_events(&self, filter: &LimitEventFilter) -> Result<Vec<LimitEvent>>;

    // -- people's logins, audit ----------------------------------------------------------------------------

    /// Keeps a login.
    async fn insert_login(&self, login: &LoginSession) -> Result<()>;
    /// Finds a login that has not expired at `now`.
    async fn find_login(&self, token_hash: &str, now: Timestamp) -> Result<Option<LoginSession>>;
    /// Ends a login; also removes all that expired before `now`.
    async fn delete_login(&self, token_hash: &str, now: Timestamp) -> Result<()>;
    /// Appends an entry that belongs to no edit (a failed login, say).
    async fn append_audit(&self, entry: AuditEntry) -> Result<()>;
    /// Audit entries, newest first, with ids below `before`.
    async fn list_audit(&self, before: Option<i64>, limit: u32) -> Result<Vec<AuditRow>>;

    // -- the database itself -------------------------------------------------------------------------------

    /// Notices of edits by this and by other processes. A receiver that lags behind must reload everything.
    fn changes(&self) -> broadcast::Receiver<Change>;
    /// Answers if the database does, within its deadline.
    async fn ping(&self) -> Result<()>;
    /// What kind of database and which version, for people: `PostgreSQL 15.8`, `SQLite 3.50.2`.
    async fn version(&self) -> Result<String>;
    /// The schema version found.
    async fn schema_version(&self) -> Result<i64>;
}
