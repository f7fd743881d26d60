//! Providers as rows, their secrets sealed.

use hub_types::{GroupSet, Multiplier, Provider, ProviderId, Secret, Timeouts};

use super::columns::{Stored, clock_time, read_clock_time, read_limits, write_limits};
use super::value::Reader;
use super::{Params, Result, Value};
use crate::{RepositoryError, Sealer};

const CREDENTIAL: &str = "providers.credential";
const PROXY_URL: &str = "providers.proxy_url";

impl Stored for Provider {
    const TABLE: &'static str = "providers";
    const COLUMNS: &'static [&'static str] = &[
        "name",
        "description",
        "url",
        "provider_type",
        "credential",
        "is_enabled",
        "priority",
        "group_priorities",
        "weight",
        "group_tag",
        "cost_multiplier_ppm",
        "allowed_models",
        "model_redirects",
        "allowed_clients",
        "blocked_clients",
        "active_time_start",
        "active_time_end",
        "conversion",
        "limit_5h_usd",
        "limit_5h_reset_mode",
        "limit_daily_usd",
        "daily_reset_mode",
        "daily_reset_time",
        "limit_weekly_usd",
        "limit_monthly_usd",
        "limit_total_usd",
        "total_cost_reset_at",
        "limit_concurrent_sessions",
        "session_ttl",
        "fail_back",
        "max_retry_attempts",
        "failure_threshold",
        "open_duration_ms",
        "half_open_success_threshold",
        "proxy_url",
        "proxy_fallback_to_direct",
        "custom_headers",
        "timeout_first_byte",
        "timeout_idle",
        "timeout_request",
        "hedge_after_ms",
        "on_client_abort",
        "codex_instructions",
        "codex_instructions_text",
        "generation",
        "created_at",
        "updated_at",
    ];

    fn write(&self, sealer: &Sealer) -> Result<Params> {
        let proxy_url = self.proxy_url.as_ref().map(|url| sealer.seal(PROXY_URL, url)).transpose()?;
        let mut params: Params = vec![
            (&self.name).into(),
            (&self.description).into(),
            (&self.url).into(),
            Value::word(&self.provider_type)?,
            sealer.seal(CREDENTIAL, &self.credential)?.into(),
            self.is_enabled.into(),
            self.priority.into(),
            Value::json(&self.group_priorities)?,
            self.weight.into(),
            (&String::from(self.group_tag.clone())).into(),
            self.cost_multiplier.millionths().into(),
            Value::json(&self.allowed_models)?,
            Value::json(&self.model_redirects)?,
            Value::json(&self.allowed_clients)?,
            Value::json(&self.blocked_clients)?,
            self.active_time_start.map_or(Value::Null, clock_time),
            self.active_time_end.map_or(Value::Null, clock_time),
            Value::word(&self.conversion)?,
        ];
        write_limits(&self.limits, &mut params)?;
        params.extend([
            self.limit_concurrent_sessions.into(),
            self.session_ttl.into(),
            Value::word(&self.fail_back)?,
            self.max_retry_attempts.into(),
            self.failure_threshold.into(),
            self.open_duration_ms.into(),
            self.half_open_success_threshold.into(),
            proxy_url.into(),
            self.proxy_fallback_to_direct.into(),
            Value::json(&self.custom_headers)?,
            self.timeouts.first_byte_ms.into(),
            self.timeouts.idle_ms.into(),
            self.timeouts.request_ms.into(),
            self.hedge_after_ms.into(),
            Value::word(&self.on_client_abort)?,
            (&self.codex_instructions).into(),
            self.codex_instructions_text.as_ref().into(),
            self.generation.into(),
            self.created_at.into(),
            self.updated_at.into(),
        ]);
        Ok(params)
    }

    fn read(id: i64, row: &mut Reader, sealer: &Sealer) -> Result<Self> {
        let open = |column, sealed: &[u8]| -> Result<Secret> {
            sealer.open(column, sealed).inspect_err(|_| {
                // The error alone does not tell whose secret it is.
                tracing::error!(provider = id, column, "a sealed value can't be opened with this MASTER_KEY");
            })
        };
        Ok(Self {
            id: ProviderId(id),
            name: row.text()?,
            description: row.text()?,
            url: row.text()?,
            provider_type: row.word()?,
            credential: open(CREDENTIAL, &row.opt_bytes()?.ok_or(RepositoryError::Unsealable)?)?,
            is_enabled: row.bool()?,
            priority: row.narrow()?,
            group_priorities: row.json()?,
            weight: row.narrow()?,
            group_tag: GroupSet::parse(&row.text()?),
            cost_multiplier: Multiplier::from_millionths(row.narrow()?),
            allowed_models: row.json()?,
            model_redirects: row.json()?,
            allowed_clients: row.json()?,
            blocked_clients: row.json()?,
            active_time_start: row.opt_text()?.as_deref().map(read_clock_time).transpose()?,
            active_time_end: row.opt_text()?.as_deref().map(read_clock_time).transpose()?,
            conversion: row.word()?,
            limits: read_limits(row)?,
            limit_concurrent_sessions: row.opt_narrow()?,
            session_ttl: row.opt_narrow()?,
            fail_back: row.word()?,
            max_retry_attempts: row.narrow()?,
            failure_threshold: row.narrow()?,
            open_duration_ms: row.narrow()?,
            half_open_success_threshold: row.narrow()?,
            proxy_url: row.opt_bytes()?.map(|sealed| open(PROXY_URL, &sealed)).transpose()?,
            proxy_fallback_to_direct: row.bool()?,
            custom_headers: row.json()?,
            timeouts: Timeouts {
                first_byte_ms: row.narrow()?,
                idle_ms: row.narrow()?,
                request_ms: row.narrow()?,
            },
            hedge_after_ms: row.opt_narrow()?,
            on_client_abort: row.word()?,
            codex_instructions: row.text()?,
            codex_instructions_text: row.opt_text()?,
            generation: row.int()?,
            created_at: row.time()?,
            updated_at: row.time()?,
        })
    }
}
