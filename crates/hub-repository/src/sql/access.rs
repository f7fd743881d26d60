//! Users and keys: what is particular about their edits and look-ups.

use hub_types::{ApiKey, KeyHash, KeyId, User, UserId};
use jiff::Timestamp;

use super::columns::Stored;
use super::engine::{Edit, Engine};
use super::value::Reader;
use super::{Database, Mode, Result};
use crate::{Caller, Page, RepositoryError};

impl<D: Database> Engine<D> {
    pub(super) async fn page_of<T: Stored>(&self, page: Page) -> Result<Vec<T>> {
        let params = vec![page.after.unwrap_or(i64::MIN).into(), page.limit.into()];
        self.select("id > $1 ORDER BY id LIMIT $2", params).await
    }

    pub(super) async fn keys_of(&self, of: Option<UserId>, page: Page) -> Result<Vec<ApiKey>> {
        let Some(user) = of else { return self.page_of(page).await };
        let params = vec![page.after.unwrap_or(i64::MIN).into(), page.limit.into(), user.0.into()];
        self.select("id > $1 AND user_id = $3 ORDER BY id LIMIT $2", params).await
    }

    pub(super) async fn caller(&self, hash: &KeyHash) -> Result<Option<Caller>> {
        let columns = |alias: &str, names: &[&str]| {
            names.iter().map(|name| format!("{alias}.{name}")).collect::<Vec<_>>().join(", ")
        };
        let sql = format!(
            "SELECT k.id, {}, u.id, {} FROM keys k JOIN users u ON u.id = k.user_id
             WHERE k.key_hash = $1 AND k.deleted_at IS NULL AND u.deleted_at IS NULL",
            columns("k", ApiKey::COLUMNS),
            columns("u", User::COLUMNS)
        );
        let mut session = self.session(Mode::Single).await?;
        let rows = session.query(&sql, vec![(&hash.to_hex()).into()]).await?;
        let Some(cells) = rows.into_iter().next() else { return Ok(None) };
        let mut row = Reader::new(cells);
        let id = row.int()?;
        let key = ApiKey::read(id, &mut row, self.sealer())?;
        let id = row.int()?;
        let user = User::read(id, &mut row, self.sealer())?;
        Ok(Some(Caller { key, user }))
    }

    pub(super) async fn touch(&self, used: &[(KeyId, Timestamp)]) -> Result<()> {
        if used.is_empty() {
            return Ok(());
        }
        let mut used = used.to_vec();
        // In one order everywhere, so that two hubs never wait for each other.
        used.sort_unstable();
        let mut session = self.session(Mode::Write).await?;
        let sql = "UPDATE keys SET last_used_at = $1
            WHERE id = $2 AND (last_used_at IS NULL OR last_used_at < $3)";
        let params = used.into_iter().map(|(id, at)| vec![at.into(), id.0.into(), at.into()]).collect();
        session.execute_many(sql, params).await?;
        session.commit().await
    }
}

impl Edit<'_> {
    /// Fails unless the user is living; the user stays so until the edit ends.
    pub(super) async fn hold_user(&mut self, id: UserId, keep_rows: &str) -> Result<()> {
        let sql = format!("SELECT id FROM users WHERE id = $1 AND deleted_at IS NULL {keep_rows}");
        let rows = self.session.query(&sql, vec![id.0.into()]).await?;
        if rows.is_empty() { Err(RepositoryError::NotFound) } else { Ok(()) }
    }

    pub(super) async fn delete_keys_of(&mut self, user: UserId, at: Timestamp) -> Result<()> {
        let sql =
            "UPDATE keys SET deleted_at = $1, updated_at = $1 WHERE user_id = $2 AND deleted_at IS NULL";
        self.session.execute(sql, vec![at.into(), user.0.into()]).await?;
        Ok(())
    }
}
