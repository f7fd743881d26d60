//! `migrate`: the database schema.

use hub_config::Config;
use serde_json::json;

use crate::failure::Result;
use crate::messages::{Messages, fill};
use crate::{output, stores};

/// Brings the schema up to date, or only says whether it is; `false` if it is not.
pub(crate) async fn run(config: &Config, check: bool, json: bool, messages: &Messages) -> Result<bool> {
    let before = stores::schema(config).await?;
    if !check && before.needs_migration(true)? {
        stores::open(config, true).await?;
    }
    let after = stores::schema(config).await?;
    if json {
        let state = json!({"found": after.found, "known": after.known, "current": after.is_current()});
        output::print_json(&state)?;
        return Ok(after.is_current());
    }
    let found = after.found.to_string();
    let text = match (after.is_current(), before == after) {
        (true, true) => fill(messages.schema_current, &found),
        (true, false) => fill(messages.schema_migrated, &found),
        (false, _) => fill(&fill(messages.schema_differs, &found), &after.known.to_string()),
    };
    output::print(&text)?;
    Ok(after.is_current())
}
