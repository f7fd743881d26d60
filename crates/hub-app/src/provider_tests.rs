//! Tests of providers, as hub-management asks for them: hub-proxy's prober under the time that the configuration
//! gives.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Semaphore;

use hub_management::ProviderTests;
use hub_management::view::{ProviderModelsView, ProviderTestView};
use hub_proxy::{ProbeReport, Prober};
use hub_types::Provider;

/// More tests at once wait for their turn.
const AT_ONCE: usize = 16;

/// See the module's documentation.
pub(crate) struct Tests {
    prober: Prober,
    patience: Duration,
    turns: Semaphore,
}

impl Tests {
    /// `patience` is how long a test may take.
    pub(crate) fn new(prober: Prober, patience: Duration) -> Self {
        Self { prober, patience, turns: Semaphore::new(AT_ONCE) }
    }
}

#[async_trait]
impl ProviderTests for Tests {
    async fn test(&self, provider: Arc<Provider>, model: Option<&str>) -> Result<ProviderTestView, String> {
        let _turn = self.turns.acquire().await;
        let asked = self.prober.ask(&provider, model, self.patience).await;
        asked.map(view).map_err(|unaskable| unaskable.0)
    }

    async fn models(&self, provider: Arc<Provider>) -> Result<ProviderModelsView, String> {
        let _turn = self.turns.acquire().await;
        let list = self.prober.models(&provider, self.patience).await.map_err(|unaskable| unaskable.0)?;
        let ProbeReport { status, class, message, .. } = list.report;
        Ok(ProviderModelsView { ok: class.is_none(), status, class, message, items: list.models })
    }
}

fn view(report: ProbeReport) -> ProviderTestView {
    ProviderTestView {
        ok: report.class.is_none(),
        status: report.status,
        class: report.class,
        latency_ms: ms(report.latency),
        first_byte_ms: report.first_byte.map(ms),
        model: report.model,
        upstream_model: report.upstream_model,
        message: report.message,
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
