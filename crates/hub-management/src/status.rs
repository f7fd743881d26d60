//! The state of the hub: what the running process says, and what the database says.

use async_trait::async_trait;

use crate::view::{DatabaseView, HubReport, StatusView};
use crate::{Management, Principal, Result};

/// A running hub that reports on itself.
#[async_trait]
pub trait StatusSource: Send + Sync + 'static {
    /// The current state of stores and journal.
    async fn report(&self) -> HubReport;
}

impl Management {
    /// The state of the hub. Never fails because something is down: that is what it tells.
    pub async fn status(&self, principal: &Principal) -> Result<StatusView> {
        principal.require_admin()?;
        let database = self.database().await;
        let hub = match &self.status_source {
            Some(source) => Some(source.report().await),
            None => None,
        };
        let stores_up = hub.iter().flat_map(|hub| &hub.stores).all(|store| store.state == "up");
        let state = if stores_up && database.state == "up" { "up" } else { "degraded" };
        Ok(StatusView { state: state.to_owned(), time: self.now(), database, hub })
    }

    async fn database(&self) -> DatabaseView {
        match self.repository.version().await {
            Ok(version) => DatabaseView {
                state: "up".to_owned(),
                version: Some(version),
                schema_version: self.repository.schema_version().await.ok(),
                detail: None,
            },
            Err(error) => DatabaseView {
                state: "down".to_owned(),
                version: None,
                schema_version: None,
                detail: Some(error.to_string()),
            },
        }
    }
}
