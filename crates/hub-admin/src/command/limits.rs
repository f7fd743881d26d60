//! `limits`: how much of them is taken, and starting over.

use hub_types::{KeyId, ProviderId, UserId};

use super::Context;
use crate::args::{LimitCommand, LimitsOf};
use crate::failure::Result;
use crate::messages::fill;
use crate::{output, table};

/// Whose limits.
enum Owner {
    User(UserId),
    Key(KeyId),
    Provider(ProviderId),
}

pub(super) async fn run(command: &LimitCommand, context: &Context<'_>) -> Result<()> {
    let messages = &context.messages.limits;
    match command {
        LimitCommand::Show { of } => {
            let (owner, label) = find(of, context).await?;
            let limits = match owner {
                Owner::User(id) => context.backend.user_limits(id).await?,
                Owner::Key(id) => context.backend.key_limits(id).await?,
                Owner::Provider(id) => context.backend.provider_limits(id).await?,
            };
            if context.json {
                return output::print_json(&limits);
            }
            if limits.windows.is_empty() {
                output::tell(&fill(messages.none_set, &label));
                return Ok(());
            }
            output::print(&table::limits(&limits, context.messages))
        }
        LimitCommand::Reset { of } => {
            let (owner, label) = find(of, context).await?;
            let backend = &context.backend;
            let row = match owner {
                Owner::User(id) => backend.reset_user_limits(id).await.map(serde_json::to_value)?,
                Owner::Key(id) => backend.reset_key_limits(id).await.map(serde_json::to_value)?,
                Owner::Provider(id) => backend.reset_provider_limits(id).await.map(serde_json::to_value)?,
            };
            if context.json {
                return output::print_json(&row.unwrap_or_default());
            }
            output::tell(&fill(messages.was_reset, &label));
            Ok(())
        }
    }
}

async fn find(of: &LimitsOf, context: &Context<'_>) -> Result<(Owner, String)> {
    let messages = context.messages;
    if let Some(user) = &of.user {
        let user = context.find_user(user).await?;
        return Ok((Owner::User(user.id), format!("{} {} ({})", messages.user, user.fields.name, user.id)));
    }
    if let Some(provider) = &of.provider {
        let provider = context.find_provider(provider).await?;
        let label = format!("{} {} ({})", messages.provider, provider.fields.name, provider.id);
        return Ok((Owner::Provider(provider.id), label));
    }
    let key = context.find_key(of.key.as_deref().unwrap_or_default()).await?;
    Ok((Owner::Key(key.id), format!("{} {} ({})", messages.key, key.fields.name, key.id)))
}
