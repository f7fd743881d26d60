//! Users as rows.

use hub_types::{GroupSet, User, UserId};

use super::columns::{Stored, read_limits, write_limits};
use super::value::Reader;
use super::{Params, Result, Value};
use crate::Sealer;

impl Stored for User {
    const TABLE: &'static str = "users";
    const COLUMNS: &'static [&'static str] = &[
        "name",
        "description",
        "role",
        "is_enabled",
        "expires_at",
        "provider_group",
        "tags",
        "allowed_models",
        "allowed_clients",
        "blocked_clients",
        "rpm_limit",
        "limit_5h_usd",
        "limit_5h_reset_mode",
        "limit_daily_usd",
        "daily_reset_mode",
        "daily_reset_time",
        "limit_weekly_usd",
        "limit_monthly_usd",
        "limit_total_usd",
        "cost_reset_at",
        "limit_concurrent_sessions",
        "created_at",
        "updated_at",
    ];

    fn write(&self, _: &Sealer) -> Result<Params> {
        let mut params: Params = vec![
            (&self.name).into(),
            (&self.description).into(),
            Value::word(&self.role)?,
            self.is_enabled.into(),
            self.expires_at.into(),
            (&String::from(self.provider_group.clone())).into(),
            Value::json(&self.tags)?,
            Value::json(&self.allowed_models)?,
            Value::json(&self.allowed_clients)?,
            Value::json(&self.blocked_clients)?,
            self.rpm_limit.into(),
        ];
        write_limits(&self.limits, &mut params)?;
        params.extend([
            self.limit_concurrent_sessions.into(),
            self.created_at.into(),
            self.updated_at.into(),
        ]);
        Ok(params)
    }

    fn read(id: i64, row: &mut Reader, _: &Sealer) -> Result<Self> {
        Ok(Self {
            id: UserId(id),
            name: row.text()?,
            description: row.text()?,
            role: row.word()?,
            is_enabled: row.bool()?,
            expires_at: row.opt_time()?,
            provider_group: GroupSet::parse(&row.text()?),
            tags: row.json()?,
            allowed_models: row.json()?,
            allowed_clients: row.json()?,
            blocked_clients: row.json()?,
            rpm_limit: row.opt_narrow()?,
            limits: read_limits(row)?,
            limit_concurrent_sessions: row.opt_narrow()?,
            created_at: row.time()?,
            updated_at: row.time()?,
        })
    }
}
