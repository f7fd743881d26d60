//! The commands, one module for each kind of thing.

mod clear_bindings;
mod explain;
mod find;
mod keys;
mod limits;
mod providers;
mod usage;
mod users;
mod what_if;

use serde_json::json;

use crate::args::Command;
use crate::backend::Backend;
use crate::failure::Result;
use crate::messages::{Messages, fill};
use crate::output;

/// What every command works with.
pub(crate) struct Context<'a> {
    pub(crate) backend: &'a dyn Backend,
    pub(crate) messages: &'static Messages,
    pub(crate) json: bool,
}

impl Context<'_> {
    /// Prints rows as a list in JSON, or as a table.
    fn show_list<T: serde::Serialize>(&self, items: &[T], table: impl FnOnce(&[T]) -> String) -> Result<()> {
        if self.json {
            return output::print_json(&json!({"items": items, "next_cursor": null}));
        }
        if items.is_empty() {
            output::tell(self.messages.nothing);
            return Ok(());
        }
        output::print(&table(items))
    }

    /// Prints one row.
    fn show_one<T: serde::Serialize>(&self, item: T, table: impl FnOnce(&[T]) -> String) -> Result<()> {
        if self.json { output::print_json(&item) } else { output::print(&table(&[item])) }
    }

    /// Says that something is gone.
    fn show_deleted(&self, what: &str) -> Result<()> {
        if self.json {
            return output::print_json(&json!({"deleted": what}));
        }
        output::tell(&fill(self.messages.deleted, what));
        Ok(())
    }
}

/// Runs a command that works on users, keys, providers or usage.
pub(crate) async fn run(command: &Command, context: &Context<'_>) -> Result<()> {
    match command {
        Command::Users(command) => users::run(command, context).await,
        Command::Keys(command) => keys::run(command, context).await,
        Command::Providers(command) => providers::run(command, context).await,
        Command::Limits(command) => limits::run(command, context).await,
        Command::Usage(args) => usage::run(args, context).await,
        Command::Explain { request } => explain::run(*request, context).await,
        Command::WhatIf(args) => what_if::run(args, context).await,
        Command::ClearBindings(args) => clear_bindings::run(args, context).await,
        // These work on the stores themselves and never get here.
        Command::Migrate { .. } | Command::Doctor | Command::Completions { .. } => Ok(()),
    }
}
