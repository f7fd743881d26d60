//! Clearing bindings: which providers are meant, how many sessions each has, and letting go of them.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use hub_repository::{Page, ProviderLabel};
use hub_session::{Observed, Sessions};
use hub_types::ProviderId;
use serde_json::json;

use crate::binding_filter::BindingFilter;
use crate::view::{ClearBindingsFields, ClearBindingsView, ProviderBindings};
use crate::{Management, ManagementError, Patch, Principal, Result, draft};

/// How long to wait between raising the generations and removing the bindings where several processes share
/// the sessions. An edit reaches every instance within a second; the rest is for what was already on its way
/// to the store.
const SETTLING: Duration = Duration::from_millis(1500);
/// Providers are read in pages of so many rows.
const PAGE_ROWS: u32 = 500;

/// What was cleared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClearReport {
    /// The providers, with the number of sessions that were bound to them and no longer are.
    pub providers: Vec<ProviderBindings>,
    /// Those sessions, all together.
    pub sessions: u64,
    /// Conversation hashes that led to them.
    pub conversations: u64,
}

impl Management {
    /// The providers that a filter admits, with the number of sessions bound to each. Deleted providers are
    /// there if they are asked for by id, or if everything is asked for and sessions are bound to them still.
    pub async fn survey_bindings(
        &self,
        principal: &Principal,
        filter: &BindingFilter,
        observed: Observed<'_>,
    ) -> Result<Vec<ProviderBindings>> {
        principal.require_admin()?;
        filter.check()?;
        let sessions = self.sessions()?;
        let labels = self.labels_admitted_by(filter).await?;
        let mut rows: Vec<_> = labels.into_iter().map(ProviderBindings::from).collect();
        rows.extend(filter.ids_without_row(&rows).map(ProviderBindings::of_unknown));
        rows.sort_by_key(|row| row.id);
        if rows.is_empty() {
            return Ok(rows);
        }
        let bound = sessions.store().survey(&ids(&rows), observed).await?;
        fill_in(&mut rows, &bound);
        if filter.ids.is_none() {
            rows.retain(|row| !row.is_deleted || row.sessions > 0);
        }
        Ok(rows)
    }

    /// Clears the bindings of surveyed providers. Requests that began before can't bind to them any more:
    /// generations are raised first, everywhere, and only then is anything removed.
    ///
    /// # Errors
    /// [`ManagementError::PartlyCleared`]: the session store failed in the middle. Doing it again finishes.
    pub async fn clear_bindings(
        &self,
        principal: &Principal,
        surveyed: &[ProviderBindings],
        observed: Observed<'_>,
    ) -> Result<ClearReport> {
        principal.require_admin()?;
        let sessions = self.sessions()?;
        let providers = ids(surveyed);
        let mut report = ClearReport { providers: surveyed.to_vec(), sessions: 0, conversations: 0 };
        fill_in(&mut report.providers, &HashMap::new());
        if providers.is_empty() {
            return Ok(report);
        }
        self.raise_generations(principal, surveyed, sessions).await?;
        if sessions.store().is_shared() {
            tokio::time::sleep(SETTLING).await;
        }
        let (cleared, stopped) = match sessions.store().clear(&providers, observed).await {
            Ok(cleared) => (cleared, None),
            Err(error) => (error.done, Some(error.reason)),
        };
        fill_in(&mut report.providers, &cleared.sessions);
        report.sessions = cleared.sessions.values().fold(0, |sum, count| sum.saturating_add(*count));
        report.conversations = cleared.conversations;
        let Some(reason) = stopped else { return Ok(report) };
        // Even if the report says zero: what was asked for last may have been done, and only its answer lost.
        let left = surveyed.iter().fold(0, |sum: u64, row| {
            let done = cleared.sessions.get(&row.id).copied().unwrap_or(0);
            sum.saturating_add(row.sessions.saturating_sub(done))
        });
        Err(ManagementError::PartlyCleared {
            sessions: report.sessions,
            conversations: report.conversations,
            left,
            reason: reason.0,
        })
    }

    /// Surveys, and clears unless it is a dry run; `input` as [`ClearBindingsFields`] says.
    pub async fn clear_bindings_as_asked(
        &self,
        principal: &Principal,
        input: &Patch,
        observed: Observed<'_>,
    ) -> Result<ClearBindingsView> {
        principal.require_admin()?;
        let fields: ClearBindingsFields = draft::create(input)?;
        let dry_run = fields.dry_run;
        let filter = BindingFilter::try_from(fields)?;
        let surveyed = self.survey_bindings(principal, &filter, observed).await?;
        if dry_run {
            return Ok(ClearBindingsView::of_survey(surveyed));
        }
        Ok(self.clear_bindings(principal, &surveyed, observed).await?.into())
    }

    async fn labels_admitted_by(&self, filter: &BindingFilter) -> Result<Vec<ProviderLabel>> {
        let mut admitted = Vec::new();
        let mut page = Page { after: None, limit: PAGE_ROWS };
        loop {
            let rows = self.repository.list_provider_labels(page).await?;
            page.after = rows.last().map(|label| label.id.0);
            let is_last = rows.len() < usize::try_from(PAGE_ROWS).unwrap_or(usize::MAX);
            admitted.extend(rows.into_iter().filter(|label| filter.admits(label)));
            if is_last {
                return Ok(admitted);
            }
        }
    }

    async fn raise_generations(
        &self,
        principal: &Principal,
        surveyed: &[ProviderBindings],
        sessions: &Sessions,
    ) -> Result<()> {
        let ids: Vec<_> = surveyed.iter().map(|row| row.id).collect();
        let mut entry = self.audit(principal, "sessions.clear_bindings", "sessions".to_owned());
        let bound: Vec<_> =
            surveyed.iter().map(|row| json!({"id": row.id, "sessions": row.sessions})).collect();
        entry.before = Some(json!({"providers": bound}).to_string());
        for (provider, generation) in self.repository.bump_generations(&ids, self.now(), entry).await? {
            sessions.raise_floor(provider, generation);
        }
        Ok(())
    }
}

fn ids(rows: &[ProviderBindings]) -> HashSet<ProviderId> {
    rows.iter().map(|row| row.id).collect()
}

fn fill_in(rows: &mut [ProviderBindings], sessions: &HashMap<ProviderId, u64>) {
    for row in rows {
        row.sessions = sessions.get(&row.id).copied().unwrap_or(0);
    }
}
