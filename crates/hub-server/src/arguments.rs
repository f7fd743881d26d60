//! The command line. Flags are stronger than the environment.

use clap::{Parser, Subcommand};

use hub_config::Environment;

/// Claude Code Hub: one address for a team's AI coding clients, in front of the providers it shares.
///
/// Without a database it keeps everything in DATA_DIR. Settings come from the environment and from a file
/// `.env` in the working directory; docs/configuration.md lists them.
#[derive(Debug, Parser)]
#[command(name = "hub-server", version, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Address to listen on (APP_HOST)
    #[arg(long, global = true, value_name = "ADDRESS")]
    host: Option<String>,
    /// Port to listen on, 0 for a free one (APP_PORT)
    #[arg(long, global = true, value_name = "PORT")]
    port: Option<u16>,
    /// Where journal, embedded database and made secrets are kept (DATA_DIR)
    #[arg(long, value_name = "DIRECTORY")]
    data_dir: Option<String>,
    /// Show the settings in effect, secrets masked, and end
    #[arg(long)]
    pub(crate) print_config: bool,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Command {
    /// Show the hub at work with a simulated provider; nothing is kept, nothing leaves this machine
    Demo,
}

const EXAMPLES: &str = "\
Examples:
  hub-server demo                    see it work, then try it with your client
  hub-server                         the real thing, data in ./data
  DSN=postgres://hub@db/hub hub-server --host 0.0.0.0
  hub-server --print-config          what would be used

Exit codes: 0 ended as asked, 1 failed, 2 wrong usage or configuration.";

impl Arguments {
    /// The environment with the flags over it.
    pub(crate) fn over(&self, environment: Environment) -> Environment {
        let port = self.port.map(|port| port.to_string());
        [("APP_HOST", &self.host), ("APP_PORT", &port), ("DATA_DIR", &self.data_dir)].into_iter().fold(
            environment,
            |environment, (name, flag)| match flag {
                Some(value) => environment.with(name, value.as_str()),
                None => environment,
            },
        )
    }
}
