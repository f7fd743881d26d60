//! Providers whose bindings are to be cleared: who they are, and the generation that decides what may bind.

use hub_types::ProviderId;
use jiff::{SignedDuration, Timestamp};

use super::engine::{Edit, Engine};
use super::value::Reader;
use super::{Database, Mode, Result};
use crate::{Page, ProviderLabel};

impl<D: Database> Engine<D> {
    pub(super) async fn provider_labels(&self, page: Page) -> Result<Vec<ProviderLabel>> {
        let sql = "SELECT id, name, provider_type, priority, deleted_at FROM providers
            WHERE id > $1 ORDER BY id LIMIT $2";
        let params = vec![page.after.unwrap_or(i64::MIN).into(), page.limit.into()];
        let rows = self.session(Mode::Single).await?.query(sql, params).await?;
        rows.into_iter()
            .map(|cells| {
                let mut row = Reader::new(cells);
                Ok(ProviderLabel {
                    id: ProviderId(row.int()?),
                    name: row.text()?,
                    provider_type: row.word()?,
                    priority: row.narrow()?,
                    is_deleted: row.opt_time()?.is_some(),
                })
            })
            .collect()
    }
}

impl Edit<'_> {
    pub(super) async fn bump_generations(
        &mut self,
        ids: &[ProviderId],
        at: Timestamp,
    ) -> Result<Vec<(ProviderId, i64)>> {
        let mut ids = ids.to_vec();
        // In one order everywhere, so that two of these never wait for each other.
        ids.sort_unstable();
        ids.dedup();
        let raise = "UPDATE providers SET generation = generation + 1 WHERE id = $1
            RETURNING generation, updated_at";
        let mut generations = Vec::with_capacity(ids.len());
        let mut changed = Vec::with_capacity(ids.len());
        for id in ids {
            let rows = self.session.query(raise, vec![id.0.into()]).await?;
            let Some(cells) = rows.into_iter().next() else { continue };
            let mut row = Reader::new(cells);
            generations.push((id, row.int()?));
            // An edit that began before this one must notice it, even if the clock stood still meanwhile.
            let seen = row.time()?;
            let soonest = seen.checked_add(SignedDuration::from_micros(1)).unwrap_or(seen);
            changed.push(vec![at.max(soonest).into(), id.0.into()]);
        }
        let date = "UPDATE providers SET updated_at = $1 WHERE id = $2";
        self.session.execute_many(date, changed).await?;
        Ok(generations)
    }
}
