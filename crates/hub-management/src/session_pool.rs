//! The session pool: looking at it, moving it on, emptying it.

use hub_session::{SessionPool, Switched};
use hub_types::SessionId;
use serde_json::{Value, json};

use crate::view::{PoolClearedView, PoolStatsView, PoolSwitchView};
use crate::{FieldError, Management, ManagementError, Patch, Principal, Result};

impl Management {
    /// The pool as it is now.
    pub async fn session_pool_stats(&self, principal: &Principal) -> Result<PoolStatsView> {
        principal.require_admin()?;
        Ok(PoolStatsView::from(&self.pool()?.stats().await))
    }

    /// Moves the pool on to another of its sessions, drawn by chance.
    pub async fn switch_session_pool(&self, principal: &Principal) -> Result<PoolSwitchView> {
        principal.require_admin()?;
        let mut chance = [0_u8; 8];
        getrandom::fill(&mut chance)
            .map_err(|error| ManagementError::Internal(format!("no random bytes: {error}")))?;
        let switched = self.pool()?.switch(u64::from_le_bytes(chance), self.now()).await?;
        self.note_pool_switch(principal, "session_pool.switch", switched).await
    }

    /// Makes one of the pool's sessions the current one: `{"sessionId"}`.
    pub async fn set_pooled_session(&self, principal: &Principal, input: &Patch) -> Result<PoolSwitchView> {
        principal.require_admin()?;
        let Value::String(text) = only_field(input, "sessionId")? else {
            return Err(ManagementError::invalid("sessionId", "must be a text"));
        };
        // What can't be a session id is in no pool.
        let session = SessionId::parse(text).map_err(|_| ManagementError::NotInPool)?;
        let switched = self.pool()?.set_current(&session, self.now()).await?;
        self.note_pool_switch(principal, "session_pool.set_current", switched).await
    }

    /// Forgets all sessions of the pool but the current one.
    pub async fn clear_session_pool(&self, principal: &Principal) -> Result<PoolClearedView> {
        principal.require_admin()?;
        let (removed, current) = self.pool()?.clear().await?;
        let view = PoolClearedView { removed, current_session: current.as_ref().map(SessionId::to_string) };
        let mut entry = self.audit(principal, "session_pool.clear", "session_pool".to_owned());
        entry.after = Some(json!(view).to_string());
        self.repository.append_audit(entry).await?;
        Ok(view)
    }

    fn pool(&self) -> Result<&SessionPool> {
        let missing = || ManagementError::NoSessions;
        self.session_pool.as_deref().ok_or_else(missing)
    }

    async fn note_pool_switch(
        &self,
        principal: &Principal,
        action: &str,
        switched: Switched,
    ) -> Result<PoolSwitchView> {
        let view = PoolSwitchView {
            previous_session: switched.previous.as_ref().map(SessionId::to_string),
            current_session: switched.current.to_string(),
        };
        let mut entry = self.audit(principal, action, "session_pool".to_owned());
        entry.before = Some(json!({"currentSession": view.previous_session}).to_string());
        entry.after = Some(json!({"currentSession": view.current_session}).to_string());
        self.repository.append_audit(entry).await?;
        Ok(view)
    }
}

/// The value of the one field that the input may and must have.
pub(crate) fn only_field<'a>(input: &'a Patch, field: &'static str) -> Result<&'a Value> {
    let unknown = input.keys().filter(|name| *name != field);
    let mut errors: Vec<_> = unknown.map(|name| FieldError::new(name, "unknown field")).collect();
    match input.get(field) {
        Some(value) if errors.is_empty() => return Ok(value),
        Some(_) => {}
        None => errors.push(FieldError::new(field, "is required")),
    }
    Err(ManagementError::Invalid(errors))
}
