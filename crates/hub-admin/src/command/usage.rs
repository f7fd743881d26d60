//! `usage`: what was used and what it cost.

use hub_management::UsageQuery;
use hub_repository::GroupBy;
use hub_types::{Clock, SystemClock};
use jiff::SignedDuration;

use super::Context;
use crate::args::{By, UsageArgs};
use crate::failure::Result;
use crate::{output, table};

pub(super) async fn run(args: &UsageArgs, context: &Context<'_>) -> Result<()> {
    let messages = context.messages;
    let (group_by, title) = match args.by {
        By::Total => (GroupBy::Total, ""),
        By::User => (GroupBy::User, messages.user),
        By::Key => (GroupBy::Key, messages.key),
        By::Provider => (GroupBy::Provider, messages.provider),
        By::Model => (GroupBy::Model, messages.model),
    };
    let user_id = match &args.user {
        Some(user) => Some(context.find_user(user).await?.id),
        None => None,
    };
    let end = args.to.unwrap_or_else(|| SystemClock.now());
    let back = SignedDuration::from_hours(i64::from(args.hours));
    let query = UsageQuery {
        from: args.from.or_else(|| end.checked_sub(back).ok()),
        to: args.to,
        user_id,
        model: args.model.clone(),
        group_by,
        ..UsageQuery::default()
    };
    let report = context.backend.usage(&query).await?;
    if context.json {
        return output::print_json(&report);
    }
    if report.items.is_empty() {
        output::tell(messages.nothing);
        return Ok(());
    }
    output::print(&table::usage(&report, title, messages))
}
