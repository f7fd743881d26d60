//! Step 3: what the user may ask for, and with which program.

use hub_types::Caller;

use crate::ProxyError;
use crate::receive::Received;

/// Holds a request against the user's lists. Names compare without regard to case; an empty list allows all.
pub(crate) fn check(caller: &Caller, received: &Received) -> Result<(), ProxyError> {
    let user = &caller.user;
    let listed = |list: &[String], name: &str| list.iter().any(|entry| entry.eq_ignore_ascii_case(name));
    let model = &received.call.model;
    // What names no model, as a call about files, uses none.
    if !model.is_empty() && !user.allowed_models.is_empty() && !listed(&user.allowed_models, model) {
        return Err(ProxyError::ModelNotAllowed(model.chars().take(256).collect()));
    }
    if user.allowed_clients.is_empty() && user.blocked_clients.is_empty() {
        return Ok(());
    }
    let client = received.client_name.clone().unwrap_or_default();
    let is_allowed = user.allowed_clients.is_empty() || listed(&user.allowed_clients, &client);
    if is_allowed && !listed(&user.blocked_clients, &client) {
        Ok(())
    } else {
        Err(ProxyError::ClientNotAllowed(client))
    }
}
