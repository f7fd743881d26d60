//! `users`: list, add, set, rm.

use hub_management::view::UserFields;
use serde_json::Value;

use super::Context;
use crate::args::UserCommand;
use crate::confirm::may_delete;
use crate::failure::{Failure, Result};
use crate::{fields, output, table};

pub(super) async fn run(command: &UserCommand, context: &Context<'_>) -> Result<()> {
    let messages = context.messages;
    match command {
        UserCommand::List => {
            let users = context.backend.users().await?;
            context.show_list(&users, |users| table::users(users, messages))
        }
        UserCommand::Add { name, fields } => {
            let mut input = fields::parse(&fields.fields, &UserFields::default(), messages)?;
            input.insert("name".to_owned(), Value::from(name.as_str()));
            let user = context.backend.create_user(&input).await?;
            context.show_one(user, |users| table::users(users, messages))
        }
        UserCommand::Set { user, fields } => {
            let input = fields::parse(&fields.fields, &UserFields::default(), messages)?;
            if input.is_empty() {
                return Err(Failure::usage(messages.no_fields));
            }
            let id = context.find_user(user).await?.id;
            let user = context.backend.update_user(id, &input).await?;
            context.show_one(user, |users| table::users(users, messages))
        }
        UserCommand::Rm { user, removal } => {
            let user = context.find_user(user).await?;
            let what = format!("{} {} ({})", messages.user, user.fields.name, user.id);
            if !may_delete(&what, removal, messages)? {
                output::tell(messages.kept);
                return Ok(());
            }
            context.backend.delete_user(user.id).await?;
            context.show_deleted(&what)
        }
    }
}
