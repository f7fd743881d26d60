//! [`Repository`] for every [`Engine`]: each method with its deadline.

use async_trait::async_trait;
use hub_types::{
    ApiKey, ErrorRule, ErrorRuleId, KeyHash, KeyId, PriceRow, Provider, ProviderGroup, ProviderId,
    ProviderShape, RequestId, RequestRecord, User, UserId, WebhookTarget, WebhookTargetId,
};
use jiff::Timestamp;
use tokio::sync::broadcast;

use super::engine::Engine;
use super::value::Reader;
use super::{Database, Mode, Result, audit, logins};
use crate::{
    AuditEntry, AuditRow, Caller, Catalogue, Change, LedgerQuestion, LedgerSum, LimitEvent, LimitEventFilter,
    LoginSession, Names, NamesWanted, Page, ProviderLabel, Repository, RepositoryError, RequestFilter,
    RequestRow, Topic, UsageFilter, UsageRow, WriteSummary,
};

#[async_trait]
impl<D: Database> Repository for Engine<D> {
    async fn list_users(&self, page: Page) -> Result<Vec<User>> {
        self.within(self.page_of(page)).await
    }

    async fn find_user(&self, id: UserId) -> Result<Option<User>> {
        self.within(self.find(id.0)).await
    }

    async fn insert_user(&self, user: &User, audit: AuditEntry) -> Result<User> {
        self.within(async {
            let mut edit = self.edit().await?;
            let id = edit.insert(user).await?;
            edit.finish(Topic::Access, audit, Some(id)).await?;
            self.find(id).await?.ok_or(RepositoryError::NotFound)
        })
        .await
    }

    async fn update_user(&self, user: &User, seen: Timestamp, audit: AuditEntry) -> Result<()> {
        self.within(async {
            let mut edit = self.edit().await?;
            edit.update(user.id.0, user, seen).await?;
            edit.finish(Topic::Access, audit, None).await
        })
        .await
    }

    async fn delete_user(&self, id: UserId, at: Timestamp, audit: AuditEntry) -> Result<()> {
        self.within(async {
            let mut edit = self.edit().await?;
            edit.delete::<User>(id.0, at).await?;
            edit.delete_keys_of(id, at).await?;
            edit.finish(Topic::Access, audit, None).await
        })
        .await
    }

    async fn list_keys(&self, of: Option<UserId>, page: Page) -> Result<Vec<ApiKey>> {
        self.within(self.keys_of(of, page)).await
    }

    async fn find_key(&self, id: KeyId) -> Result<Option<ApiKey>> {
        self.within(self.find(id.0)).await
    }

    async fn find_caller(&self, hash: &KeyHash) -> Result<Option<Caller>> {
        self.within(self.caller(hash)).await
    }

    async fn insert_key(&self, key: &ApiKey, audit: AuditEntry) -> Result<ApiKey> {
        self.within(async {
            let mut edit = self.edit().await?;
            edit.hold_user(key.user_id, D::KEEP_ROWS).await?;
            let id = edit.insert(key).await?;
            edit.finish(Topic::Access, audit, Some(id)).await?;
            self.find(id).await?.ok_or(RepositoryError::NotFound)
        })
        .await
    }

    async fn update_key(&self, key: &ApiKey, seen: Timestamp, audit: AuditEntry) -> Result<()> {
        self.within(async {
            let mut edit = self.edit().await?;
            edit.update(key.id.0, key, seen).await?;
            edit.finish(Topic::Access, audit, None).await
        })
        .await
    }

    async fn delete_key(&self, id: KeyId, at: Timestamp, audit: AuditEntry) -> Result<()> {
        self.within(async {
            let mut edit = self.edit().await?;
            edit.delete::<ApiKey>(id.0, at).await?;
            edit.finish(Topic::Access, audit, None).await
        })
        .await
    }

    async fn touch_keys(&self, used: &[(KeyId, Timestamp)]) -> Result<()> {
        self.within(self.touch(used)).await
    }

    async fn load_catalogue(&self) -> Result<Catalogue> {
        self.within(self.catalogue()).await
    }

    async fn provider_shapes(&self, version: i64) -> Result<Option<Vec<ProviderShape>>> {
        self.within(self.shapes(version)).await
    }

    async fn list_providers(&self, page: Page) -> Result<Vec<Provider>> {
        self.within(self.page_of(page)).await
    }

    async fn find_provider(&self, id: ProviderId) -> Result<Option<Provider>> {
        self.within(self.find(id.0)).await
    }

    async fn insert_provider(&self, provider: &Provider, audit: AuditEntry) -> Result<Provider> {
        self.within(async {
            let mut edit = self.edit().await?;
            let id = edit.insert(provider).await?;
            edit.reshaped = Some(ProviderId(id));
            edit.finish(Topic::Catalogue, audit, Some(id)).await?;
            self.find(id).await?.ok_or(RepositoryError::NotFound)
        })
        .await
    }

    async fn update_provider(&self, provider: &Provider, seen: Timestamp, audit: AuditEntry) -> Result<()> {
        self.within(async {
            let mut edit = self.edit().await?;
            edit.update(provider.id.0, provider, seen).await?;
            edit.reshaped = Some(provider.id);
            edit.finish(Topic::Catalogue, audit, None).await
        })
        .await
    }

    async fn delete_provider(&self, id: ProviderId, at: Timestamp, audit: AuditEntry) -> Result<()> {
        self.within(async {
            let mut edit = self.edit().await?;
            edit.delete::<Provider>(id.0, at).await?;
            edit.reshaped = Some(id);
            edit.finish(Topic::Catalogue, audit, None).await
        })
        .await
    }

    async fn list_provider_labels(&self, page: Page) -> Result<Vec<ProviderLabel>> {
        self.within(self.provider_labels(page)).await
    }

    async fn bump_generations(
        &self,
        ids: &[ProviderId],
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<Vec<(ProviderId, i64)>> {
        self.within(async {
            let mut edit = self.edit().await?;
            let generations = edit.bump_generations(ids, at).await?;
            edit.finish(Topic::Catalogue, audit, None).await?;
            Ok(generations)
        })
        .await
    }

    async fn put_provider_group(&self, group: &ProviderGroup, audit: AuditEntry) -> Result<()> {
        self.within(async {
            let mut edit = self.edit().await?;
            edit.put_group(group, audit.at).await?;
            edit.finish(Topic::Catalogue, audit, None).await
        })
        .await
    }

    async fn delete_provider_group(&self, name: &str, audit: AuditEntry) -> Result<()> {
        self.within(async {
            let mut edit = self.edit().await?;
            edit.delete_group(name).await?;
            edit.finish(Topic::Catalogue, audit, None).await
        })
        .await
    }

    async fn put_prices(&self, prices: &[PriceRow], at: Timestamp, audit: AuditEntry) -> Result<()> {
        self.within(async {
            let mut edit = self.edit().await?;
            edit.put_prices(prices, at).await?;
            edit.finish(Topic::Catalogue, audit, None).await
        })
        .await
    }

    async fn put_setting(&self, key: &str, value: &str, at: Timestamp, audit: AuditEntry) -> Result<()> {
        self.within(async {
            let mut edit = self.edit().await?;
            edit.put_setting(key, value, at).await?;
            edit.finish(Topic::Catalogue, audit, None).await
        })
        .await
    }

    async fn list_error_rules(&self, page: Page) -> Result<Vec<ErrorRule>> {
        self.within(self.page_of(page)).await
    }

    async fn find_error_rule(&self, id: ErrorRuleId) -> Result<Option<ErrorRule>> {
        self.within(self.find(id.0)).await
    }

    async fn insert_error_rule(&self, rule: &ErrorRule, audit: AuditEntry) -> Result<ErrorRule> {
        self.within(self.add_rule(rule, audit)).await
    }

    async fn update_error_rule(&self, rule: &ErrorRule, seen: Timestamp, audit: AuditEntry) -> Result<()> {
        self.within(self.replace_rule(rule, seen, audit)).await
    }

    async fn delete_error_rule(&self, id: ErrorRuleId, at: Timestamp, audit: AuditEntry) -> Result<()> {
        self.within(self.remove_rule(id, at, audit)).await
    }

    async fn list_webhook_targets(&self, page: Page) -> Result<Vec<WebhookTarget>> {
        self.within(self.page_of(page)).await
    }

    async fn find_webhook_target(&self, id: WebhookTargetId) -> Result<Option<WebhookTarget>> {
        self.within(self.find(id.0)).await
    }

    async fn insert_webhook_target(
        &self,
        target: &WebhookTarget,
        audit: AuditEntry,
    ) -> Result<WebhookTarget> {
        self.within(self.add_target(target, audit)).await
    }

    async fn update_webhook_target(
        &self,
        target: &WebhookTarget,
        seen: Timestamp,
        audit: AuditEntry,
    ) -> Result<()> {
        self.within(self.replace_target(target, seen, audit)).await
    }

    async fn delete_webhook_target(
        &self,
        id: WebhookTargetId,
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<()> {
        self.within(self.remove_target(id, at, audit)).await
    }

    async fn write_journalled(&self, records: &[RequestRecord], texts: &[String]) -> Result<WriteSummary> {
        self.within(self.write(records, texts)).await
    }

    async fn list_requests(&self, filter: &RequestFilter) -> Result<Vec<RequestRow>> {
        self.within(self.requests(filter)).await
    }

    async fn find_request(&self, id: RequestId) -> Result<Option<RequestRow>> {
        self.within(self.request(id)).await
    }

    async fn find_names(&self, wanted: &NamesWanted) -> Result<Names> {
        self.within(self.names(wanted)).await
    }

    async fn usage(&self, filter: &UsageFilter) -> Result<Vec<UsageRow>> {
        self.within(self.usage_rows(filter)).await
    }

    async fn ledger_sums(&self, question: &LedgerQuestion) -> Result<Vec<Vec<LedgerSum>>> {
        self.within(self.sums(question)).await
    }

    async fn limit_events(&self, filter: &LimitEventFilter) -> Result<Vec<LimitEvent>> {
        self.within(self.refusals(filter)).await
    }

    async fn insert_login(&self, login: &LoginSession) -> Result<()> {
        self.within(async {
            let mut session = self.session(Mode::Write).await?;
            logins::insert(session.as_mut(), login).await?;
            session.commit().await
        })
        .await
    }

    async fn find_login(&self, token_hash: &str, now: Timestamp) -> Result<Option<LoginSession>> {
        self.within(async { logins::find(self.session(Mode::Single).await?.as_mut(), token_hash, now).await })
            .await
    }

    async fn delete_login(&self, token_hash: &str, now: Timestamp) -> Result<()> {
        self.within(async {
            let mut session = self.session(Mode::Write).await?;
            logins::delete(session.as_mut(), token_hash, now).await?;
            session.commit().await
        })
        .await
    }

    async fn append_audit(&self, entry: AuditEntry) -> Result<()> {
        self.within(async {
            let mut session = self.session(Mode::Write).await?;
            audit::append(session.as_mut(), &entry).await?;
            session.commit().await
        })
        .await
    }

    async fn list_audit(&self, before: Option<i64>, limit: u32) -> Result<Vec<AuditRow>> {
        self.within(async { audit::list(self.session(Mode::Single).await?.as_mut(), before, limit).await })
            .await
    }

    fn changes(&self) -> broadcast::Receiver<Change> {
        self.parts.notices.subscribe()
    }

    async fn ping(&self) -> Result<()> {
        self.within(async {
            self.session(Mode::Single).await?.query("SELECT 1", vec![]).await?;
            Ok(())
        })
        .await
    }

    async fn version(&self) -> Result<String> {
        self.within(self.database().version()).await
    }

    async fn schema_version(&self) -> Result<i64> {
        self.within(async {
            // Cast: refinery's column is narrower in PostgreSQL.
            let sql = "SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT) FROM refinery_schema_history";
            let rows = self.session(Mode::Single).await?.query(sql, vec![]).await?;
            rows.into_iter().next().map_or(Ok(0), |cells| Reader::new(cells).int())
        })
        .await
    }
}
