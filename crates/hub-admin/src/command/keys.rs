//! `keys`: list, add, set, rotate, rm.

use hub_management::view::{KeyFields, KeyView, NewKeyView};
use serde_json::Value;

use super::Context;
use crate::args::KeyCommand;
use crate::confirm::may_delete;
use crate::failure::{Failure, Result};
use crate::{fields, output, table};

pub(super) async fn run(command: &KeyCommand, context: &Context<'_>) -> Result<()> {
    let messages = context.messages;
    match command {
        KeyCommand::List { user } => {
            let owner = match user {
                Some(user) => Some(context.find_user(user).await?.id),
                None => None,
            };
            show(context, &context.backend.keys(owner).await?).await
        }
        KeyCommand::Add { user, name, fields } => {
            let mut input = fields::parse(&fields.fields, &KeyFields::default(), messages)?;
            input.insert("name".to_owned(), Value::from(name.as_str()));
            let owner = context.find_user(user).await?.id;
            show_new(context, &context.backend.create_key(owner, &input).await?)
        }
        KeyCommand::Set { key, fields } => {
            let input = fields::parse(&fields.fields, &KeyFields::default(), messages)?;
            if input.is_empty() {
                return Err(Failure::usage(messages.no_fields));
            }
            let id = context.find_key(key).await?.id;
            let key = context.backend.update_key(id, &input).await?;
            if context.json { output::print_json(&key) } else { show(context, &[key]).await }
        }
        KeyCommand::Rotate { key } => {
            let id = context.find_key(key).await?.id;
            show_new(context, &context.backend.rotate_key(id).await?)
        }
        KeyCommand::Rm { key, removal } => {
            let key = context.find_key(key).await?;
            let what = format!("{} {} ({})", messages.key, key.fields.name, key.id);
            if !may_delete(&what, removal, messages)? {
                output::tell(messages.kept);
                return Ok(());
            }
            context.backend.delete_key(key.id).await?;
            context.show_deleted(&what)
        }
    }
}

async fn show(context: &Context<'_>, keys: &[KeyView]) -> Result<()> {
    let owners = if context.json { Vec::new() } else { context.backend.users().await? };
    context.show_list(keys, |keys| table::keys(keys, &owners, context.messages))
}

/// The key alone goes to standard output, so that a script can take it.
fn show_new(context: &Context<'_>, key: &NewKeyView) -> Result<()> {
    if context.json {
        return output::print_json(key);
    }
    output::tell(context.messages.shown_once);
    output::print(&key.key)
}
