//! Hub keys as rows. Of the credential, only the hash is one of them.

use hub_types::{ApiKey, GroupSet, KeyHash, KeyId, UserId};

use super::columns::{Stored, read_limits, write_limits};
use super::value::Reader;
use super::{Params, Result, Value};
use crate::{RepositoryError, Sealer};

impl Stored for ApiKey {
    const TABLE: &'static str = "keys";
    const COLUMNS: &'static [&'static str] = &[
        "user_id",
        "name",
        "description",
        "key_hash",
        "key_last4",
        "is_enabled",
        "expires_at",
        "last_used_at",
        "can_login_web_ui",
        "provider_group",
        "permissions",
        "token_limit",
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
        "collect_session",
        "created_at",
        "updated_at",
    ];

    fn write(&self, _: &Sealer) -> Result<Params> {
        let mut params: Params = vec![
            self.user_id.0.into(),
            (&self.name).into(),
            (&self.description).into(),
            (&self.key_hash.to_hex()).into(),
            (&self.key_last4).into(),
            self.is_enabled.into(),
            self.expires_at.into(),
            self.last_used_at.into(),
            self.can_login_web_ui.into(),
            (&String::from(self.provider_group.clone())).into(),
            Value::word(&self.permissions)?,
            self.token_limit.into(),
            self.rpm_limit.into(),
        ];
        write_limits(&self.limits, &mut params)?;
        params.extend([
            self.limit_concurrent_sessions.into(),
            self.collect_session.into(),
            self.created_at.into(),
            self.updated_at.into(),
        ]);
        Ok(params)
    }

    fn read(id: i64, row: &mut Reader, _: &Sealer) -> Result<Self> {
        Ok(Self {
            id: KeyId(id),
            user_id: UserId(row.int()?),
            name: row.text()?,
            description: row.text()?,
            key_hash: KeyHash::from_hex(&row.text()?)
                .ok_or_else(|| RepositoryError::Database("a stored key hash makes no sense".to_owned()))?,
            key_last4: row.text()?,
            is_enabled: row.bool()?,
            expires_at: row.opt_time()?,
            last_used_at: row.opt_time()?,
            can_login_web_ui: row.bool()?,
            provider_group: GroupSet::parse(&row.text()?),
            permissions: row.word()?,
            token_limit: row.opt_narrow()?,
            rpm_limit: row.opt_narrow()?,
            limits: read_limits(row)?,
            limit_concurrent_sessions: row.opt_narrow()?,
            collect_session: row.bool()?,
            created_at: row.time()?,
            updated_at: row.time()?,
        })
    }
}
