//! The hub on the command line.

mod args;
mod backend;
mod command;
mod confirm;
mod doctor;
mod environment;
mod failure;
mod fields;
mod messages;
mod migrate;
mod output;
mod progress;
mod stores;
mod table;
mod terminal;
mod tls;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use hub_config::Environment;
use hub_types::Secret;

use crate::args::{Cli, Command, LimitCommand, ProviderCommand};
use crate::backend::{Backend, Remote};
use crate::command::Context;
use crate::failure::{Failure, Result};
use crate::messages::Messages;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let environment = match environment::read() {
        Ok(environment) => environment,
        Err(failure) => return end(Err(failure), &messages::ENGLISH),
    };
    let messages = messages::of(&environment);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return end(Err(Failure::failed(error)), messages),
    };
    end(runtime.block_on(run(&cli, &environment, messages)), messages)
}

/// Does what was asked; `false` if something was found to be wrong.
async fn run(cli: &Cli, environment: &Environment, messages: &'static Messages) -> Result<bool> {
    let server = cli.server.as_deref();
    match &cli.command {
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "hub-admin", &mut script);
            output::print_bytes(&script)?;
            return Ok(true);
        }
        Command::Migrate { .. } if server.is_some() => return Err(Failure::usage(messages.local_only)),
        // What is reserved only the hub knows.
        Command::Limits(LimitCommand::Show { .. }) if server.is_none() => {
            return Err(Failure::usage(messages.limits.needs_server));
        }
        Command::Providers(ProviderCommand::Test { .. }) if server.is_none() => {
            return Err(Failure::usage(messages.providers.test_needs_server));
        }
        Command::Migrate { check } => {
            return migrate::run(&stores::config(environment)?, *check, cli.json, messages).await;
        }
        Command::Doctor => {
            let checks = match server {
                Some(server) => doctor::of_server(&remote(server, environment, messages)?).await,
                None => doctor::of_stores(environment, messages).await,
            };
            return doctor::report(&checks, cli.json, messages);
        }
        _ => {}
    }
    let backend: Box<dyn Backend> = match server {
        Some(server) => Box::new(remote(server, environment, messages)?),
        None if matches!(cli.command, Command::ClearBindings(_)) => {
            Box::new(stores::direct_with_sessions(&stores::config(environment)?, messages).await?)
        }
        None if matches!(cli.command, Command::Providers(ProviderCommand::BreakerReset { .. })) => {
            Box::new(stores::direct_with_breakers(&stores::config(environment)?, messages).await?)
        }
        None => Box::new(stores::direct(&stores::config(environment)?, messages).await?),
    };
    let context = Context { backend: backend.as_ref(), messages, json: cli.json };
    command::run(&cli.command, &context).await.map(|()| true)
}

fn remote(server: &str, environment: &Environment, messages: &Messages) -> Result<Remote> {
    let token = environment.get("ADMIN_TOKEN").ok_or_else(|| Failure::usage(messages.needs_token))?;
    Remote::new(server, &Secret::new(token))
}

/// Help and version go to standard output, mistakes to standard error.
fn refuse(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    if error.use_stderr() {
        output::tell(text.trim_end());
        return ExitCode::from(2);
    }
    end(output::print(text.trim_end()).map(|()| true), &messages::ENGLISH)
}

fn end(outcome: Result<bool>, messages: &Messages) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            output::tell_failure(&failure, messages);
            ExitCode::from(failure.exit_code)
        }
    }
}
