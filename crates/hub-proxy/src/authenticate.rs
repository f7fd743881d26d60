//! Step 2: whose key it is, and whether it is good.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use http::request::Parts;
use jiff::Timestamp;

use hub_types::{Caller, Dialect, KeyHash};

use crate::docket::Docket;
use crate::error::AccessClosed;
use crate::shared::Shared;
use crate::{ProxyError, credentials};

/// Finds the caller of a request.
///
/// Runs before the body is read: a stranger does not get to fill memory.
pub(crate) async fn authenticate(
    shared: &Shared,
    docket: &mut Docket,
    head: &Parts,
    address: IpAddr,
    dialect: Dialect,
) -> Result<Arc<Caller>, ProxyError> {
    if let Some(retry_after) = shared.throttle.wait(address, Instant::now()) {
        return Err(ProxyError::TooManyFailures { retry_after });
    }
    let presented = credentials::find(&head.headers, &head.uri)?;
    let hash = KeyHash::of(presented.expose());
    let found = shared.directory.find_caller(&hash).await.map_err(|_| ProxyError::DirectoryUnavailable)?;
    let Some(caller) = found.filter(|caller| caller.key.key_hash.matches(&hash)) else {
        // The throttle bounds how many of these are kept.
        docket.keep();
        shared.throttle.note_failure(address, Instant::now());
        return Err(ProxyError::UnknownKey);
    };
    docket.keep();
    let record = docket.record();
    record.user_id = Some(caller.user.id);
    record.key_id = Some(caller.key.id);
    let now = record.created_at;
    check(&caller, now).map_err(ProxyError::AccessClosed)?;
    if !caller.key.permissions.covers(dialect) {
        return Err(ProxyError::DialectNotPermitted(dialect));
    }
    Ok(caller)
}

fn check(caller: &Caller, now: Timestamp) -> Result<(), AccessClosed> {
    let is_over = |end: Option<Timestamp>| end.is_some_and(|end| end <= now);
    if !caller.key.is_enabled {
        Err(AccessClosed::KeyDisabled)
    } else if is_over(caller.key.expires_at) {
        Err(AccessClosed::KeyExpired)
    } else if !caller.user.is_enabled {
        Err(AccessClosed::UserDisabled)
    } else if is_over(caller.user.expires_at) {
        Err(AccessClosed::UserExpired)
    } else {
        Ok(())
    }
}
