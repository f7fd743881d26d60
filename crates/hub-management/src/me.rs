//! What somebody may see of itself: its limits, usage, requests and keys.
//!
//! Each is the view that admins have of a user, held to whoever asks; ADMIN_TOKEN and the command line are
//! nobody, and have nothing of their own.

use hub_types::UserId;

use crate::actor::Actor;
use crate::params::{ListQuery, RequestQuery, UsageQuery};
use crate::view::{KeyLimitsView, KeyView, List, OwnLimitsView, RequestView, UsageSummaryView};
use crate::{Management, ManagementError, Principal, Result};

/// Of so many keys the limits are told.
const MOST_KEYS: u32 = 200;

impl Management {
    /// How much of its limits is taken, and of those of each of its keys.
    pub async fn own_limits(&self, principal: &Principal) -> Result<OwnLimitsView> {
        let me = own_id(principal)?;
        let user = self.user_limits(principal, me).await?;
        let query = ListQuery { limit: MOST_KEYS, cursor: None };
        let mut keys = Vec::new();
        for key in self.list_keys(principal, Some(me), &query).await?.items {
            let limits = self.key_limits(principal, key.id).await?;
            keys.push(KeyLimitsView { id: key.id, name: key.fields.name, limits });
        }
        Ok(OwnLimitsView { user, keys })
    }

    /// Sums of its usage.
    pub async fn own_usage(&self, principal: &Principal, query: &UsageQuery) -> Result<UsageSummaryView> {
        let me = its_own(principal, query.user_id)?;
        self.usage_summary(principal, &UsageQuery { user_id: Some(me), ..query.clone() }).await
    }

    /// Its requests, newest first.
    pub async fn own_requests(
        &self,
        principal: &Principal,
        query: &RequestQuery,
    ) -> Result<List<RequestView>> {
        let me = its_own(principal, query.user_id)?;
        self.list_requests(principal, &RequestQuery { user_id: Some(me), ..query.clone() }).await
    }

    /// Its living keys.
    pub async fn own_keys(&self, principal: &Principal, query: &ListQuery) -> Result<List<KeyView>> {
        self.list_keys(principal, Some(own_id(principal)?), query).await
    }
}

fn own_id(principal: &Principal) -> Result<UserId> {
    match &principal.actor {
        Actor::User { id, .. } => Ok(*id),
        Actor::AdminToken | Actor::Cli => {
            Err(ManagementError::Forbidden("only a user has something of its own: use a key".to_owned()))
        }
    }
}

/// Whoever asks; a filter by user would contradict that, or say it twice.
fn its_own(principal: &Principal, asked: Option<UserId>) -> Result<UserId> {
    let me = own_id(principal)?;
    match asked {
        None => Ok(me),
        Some(_) => Err(ManagementError::invalid("user_id", "is always your own here")),
    }
}
