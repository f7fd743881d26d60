//! The history of providers: what choosing went by in each version of the catalogue.

use hub_types::{Provider, ProviderId, ProviderShape};

use super::columns::Stored;
use super::engine::{Edit, Engine};
use super::value::Reader;
use super::{Database, Mode, Result, Value};
use crate::{KEPT_VERSIONS, Topic};

impl<D: Database> Engine<D> {
    pub(super) async fn shapes(&self, version: i64) -> Result<Option<Vec<ProviderShape>>> {
        let mut session = self.session(Mode::Snapshot).await?;
        let current = "SELECT version FROM change_versions WHERE topic = $1";
        let current = session.query(current, vec![Topic::Catalogue.as_str().into()]).await?;
        let current = current.into_iter().next().map_or(Ok(0), |cells| Reader::new(cells).int())?;
        let sql = "SELECT shape FROM provider_versions WHERE from_version <= $1
            AND (until_version IS NULL OR until_version > $1) ORDER BY provider_id";
        let rows = session.query(sql, vec![version.into()]).await?;
        session.commit().await?;
        if version < 0 || version > current || version < current.saturating_sub(KEPT_VERSIONS) {
            return Ok(None);
        }
        rows.into_iter().map(|cells| Reader::new(cells).json()).collect::<Result<_>>().map(Some)
    }
}

impl Edit<'_> {
    /// Notes how a provider is from this version of the catalogue on, and forgets what is too old. The row of
    /// versions is held by this edit: nobody else notes anything meanwhile.
    pub(super) async fn note_shape(&mut self, id: ProviderId, version: i64) -> Result<()> {
        // As it will be read, and not as it was given.
        let rows = self.session.query(&Provider::select_sql("id = $1"), vec![id.0.into()]).await?;
        let row = rows.into_iter().next();
        let row = row.map(|cells| Provider::from_cells(cells, self.sealer)).transpose()?;
        let shape = row.map(|provider| Value::json(&ProviderShape::from(&provider))).transpose()?;
        let last = "SELECT shape FROM provider_versions WHERE provider_id = $1 AND until_version IS NULL";
        let last = self.session.query(last, vec![id.0.into()]).await?;
        let last = last.into_iter().next().and_then(|mut cells| cells.pop());
        if last == shape {
            return Ok(());
        }
        let end = "UPDATE provider_versions SET until_version = $1 WHERE provider_id = $2 AND until_version IS NULL";
        self.session.execute(end, vec![version.into(), id.0.into()]).await?;
        if let Some(shape) = shape {
            let begin =
                "INSERT INTO provider_versions (provider_id, from_version, shape) VALUES ($1, $2, $3)";
            self.session.execute(begin, vec![id.0.into(), version.into(), shape]).await?;
        }
        let forget = "DELETE FROM provider_versions WHERE until_version <= $1";
        self.session.execute(forget, vec![version.saturating_sub(KEPT_VERSIONS).into()]).await?;
        Ok(())
    }
}
