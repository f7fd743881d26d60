//! `providers`: list, add, set, test, breaker-reset, rm.

use hub_management::Patch;
use hub_management::view::ProviderFields;
use serde_json::Value;

use super::Context;
use crate::args::ProviderCommand;
use crate::confirm::may_delete;
use crate::failure::{Failure, Result};
use crate::messages::{fill, fill_all};
use crate::{fields, output, table};

pub(super) async fn run(command: &ProviderCommand, context: &Context<'_>) -> Result<()> {
    let messages = context.messages;
    match command {
        ProviderCommand::List => {
            let providers = context.backend.providers().await?;
            context.show_list(&providers, |providers| table::providers(providers, messages))
        }
        ProviderCommand::Add { name, url, provider_type, fields } => {
            let mut input = fields::parse(&fields.fields, &ProviderFields::default(), messages)?;
            for (field, value) in [("name", name), ("url", url), ("provider_type", provider_type)] {
                input.insert(field.to_owned(), Value::from(value.as_str()));
            }
            let provider = context.backend.create_provider(&input).await?;
            context.show_one(provider, |providers| table::providers(providers, messages))
        }
        ProviderCommand::Set { provider, fields } => {
            let input = fields::parse(&fields.fields, &ProviderFields::default(), messages)?;
            if input.is_empty() {
                return Err(Failure::usage(messages.no_fields));
            }
            let id = context.find_provider(provider).await?.id;
            let provider = context.backend.update_provider(id, &input).await?;
            context.show_one(provider, |providers| table::providers(providers, messages))
        }
        ProviderCommand::Test { provider, model } => {
            let id = context.find_provider(provider).await?.id;
            let mut input = Patch::new();
            if let Some(model) = model {
                input.insert("model".to_owned(), Value::from(model.as_str()));
            }
            let tested = context.backend.test_provider(id, &input).await?;
            if context.json {
                output::print_json(&tested)?;
            } else {
                output::print(&table::provider_test(&tested, messages))?;
            }
            if tested.ok { Ok(()) } else { Err(Failure::failed(fill(messages.providers.failed, provider))) }
        }
        ProviderCommand::BreakerReset { provider } => {
            let id = context.find_provider(provider).await?.id;
            let health = context.backend.reset_breaker(id).await?;
            if context.json {
                return output::print_json(&health);
            }
            let values = [provider.clone(), health.breaker];
            output::tell(&fill_all(messages.providers.was_reset, &values));
            Ok(())
        }
        ProviderCommand::Rm { provider, removal } => {
            let provider = context.find_provider(provider).await?;
            let what = format!("{} {} ({})", messages.provider, provider.fields.name, provider.id);
            if !may_delete(&what, removal, messages)? {
                output::tell(messages.kept);
                return Ok(());
            }
            context.backend.delete_provider(provider.id).await?;
            context.show_deleted(&what)
        }
    }
}
