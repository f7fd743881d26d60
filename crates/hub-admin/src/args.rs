//! The command line: what can be asked, and the help about it.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use hub_management::BindingFilter;
use hub_types::{ProviderId, ProviderType, RequestId};
use jiff::Timestamp;

/// Administers a hub: users, keys, providers, usage, the database.
#[derive(Debug, Parser)]
#[command(
    name = "hub-admin",
    version,
    after_help = "\
Without --server it works straight on the stores that the environment names (DSN, DATA_DIR,
MASTER_KEY, REDIS_URL). A .env file in the working directory counts, the process environment wins.
With --server it goes through a running hub and needs ADMIN_TOKEN.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 partly done (clear-bindings).

Examples:
  hub-admin users add ada limit_daily_usd=20
  hub-admin keys add ada laptop provider_group=team-a
  hub-admin providers add main --url https://api.anthropic.com --type claude credential=@key.txt
  hub-admin --json usage --by user --hours 168
  hub-admin clear-bindings --priority 5 --dry-run
  hub-admin --server https://hub.example.com users list"
)]
pub(crate) struct Cli {
    /// Print JSON instead of tables, with the field names of the REST interface.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Go through the running hub at this address instead of its stores.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// People who may use the hub.
    #[command(subcommand)]
    Users(UserCommand),
    /// Their credentials.
    #[command(subcommand)]
    Keys(KeyCommand),
    /// Vendor accounts and relays that serve requests.
    #[command(subcommand)]
    Providers(ProviderCommand),
    /// How much of the limits of users, keys and providers is taken.
    #[command(subcommand)]
    Limits(LimitCommand),
    /// What was used and what it cost.
    Usage(UsageArgs),
    /// Say why a request went to the providers that it went to.
    #[command(after_help = EXPLAIN_HELP)]
    Explain {
        /// The request's id: the header `x-request-id` of its answer.
        request: RequestId,
    },
    /// Play recorded requests through as if providers had been other than they were.
    #[command(after_help = WHAT_IF_HELP)]
    WhatIf(WhatIfArgs),
    /// Let go of sessions that are bound to providers, so that they choose anew.
    #[command(long_about = CLEAR_ABOUT, after_help = CLEAR_HELP)]
    ClearBindings(ClearArgs),
    /// Bring the database schema up to date.
    Migrate {
        /// Only say whether it is; exit 1 if not.
        #[arg(long)]
        check: bool,
    },
    /// Check configuration, stores, providers and clock, and say how to fix what is wrong.
    Doctor,
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

const EXPLAIN_HELP: &str = "\
The choices are computed again from the request's record and the configuration of then, and
compared with what was recorded.

Exit codes: 0 the same came out; 1 something else did, or it can't be computed again;
2 wrong usage or configuration.";

const WHAT_IF_HELP: &str = "\
PROVIDER is an id or a name, FIELD one of the columns that choosing goes by: is_enabled, priority,
group_priorities, weight, group_tag, allowed_models, model_redirects, allowed_clients,
blocked_clients, active_time_start, active_time_end, conversion, fail_back, provider_type.
It counts whom each request would have come to first. Nothing is changed and nothing is sent.

Examples:
  hub-admin what-if main.weight=3 relay.is_enabled=false
  hub-admin what-if relay.priority=-1 --choose --hours 168
  hub-admin what-if --now                  the last day under the present configuration";

/// Which requests, and what would be different.
#[derive(Debug, Args)]
pub(crate) struct WhatIfArgs {
    /// Columns of providers that would be different.
    #[arg(value_name = "PROVIDER.FIELD=VALUE")]
    pub(crate) changes: Vec<String>,
    /// The last so many hours.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=9600))]
    pub(crate) hours: u32,
    /// From this moment on, instead of --hours.
    #[arg(long, value_name = "TIME", conflicts_with = "hours")]
    pub(crate) from: Option<Timestamp>,
    /// Before this moment; default: now.
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<Timestamp>,
    /// Change the present configuration, not the one that each request went by.
    #[arg(long)]
    pub(crate) now: bool,
    /// Let bound sessions choose anew, as if the change had been there for long.
    #[arg(long)]
    pub(crate) choose: bool,
}

const CLEAR_ABOUT: &str = "\
Let go of sessions that are bound to providers, so that they choose anew.

A session stays with the provider that answered it, because that provider's prompt cache knows
the conversation. After a change of priorities, or when an account is to be emptied, this command
removes the bindings to the providers that the filters name, everything else that is remembered
of those sessions, and the conversation hashes that lead to them. Their next request chooses a
provider as if it were their first. Requests under way go on, but bind to nothing that was cleared.

All filters given must hold. Without any, it asks how to choose.";

const CLEAR_HELP: &str = "\
It shows the providers and how many sessions are bound to each, and asks before it changes
anything. Ctrl-C or the end of input at a question leaves everything as it was.

With REDIS_URL it works on the Redis of the environment. Without, sessions live inside the running
hub: go through it with --server URL and ADMIN_TOKEN.

Exit codes: 0 done, nothing to do, or declined; 1 failed; 2 wrong usage or configuration;
3 partly done: it says what is left, and running it again finishes.

Examples:
  hub-admin clear-bindings                              ask for everything
  hub-admin clear-bindings --priority 5 --dry-run       only look: priorities below 5
  hub-admin clear-bindings --type claude --name relay   both must hold
  hub-admin clear-bindings --id 3,17 --yes              no question; 17 may be deleted already
  hub-admin --json clear-bindings --name old -y         for scripts
  hub-admin --server https://hub.example.com clear-bindings -p 1";

/// Whose bindings to clear.
#[derive(Debug, Args)]
pub(crate) struct ClearArgs {
    /// Providers with a priority less than N.
    #[arg(long, short, value_name = "N", allow_negative_numbers = true)]
    priority: Option<i32>,
    /// Providers with these ids, deleted ones included.
    #[arg(long, value_name = "1,2,3", value_delimiter = ',')]
    id: Option<Vec<i64>>,
    /// Providers whose name holds this text, in upper or lower case; `%` and `_` are plain characters.
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Providers of this type.
    #[arg(long = "type", value_name = "TYPE", value_parser = provider_type())]
    provider_type: Option<ProviderType>,
    /// Don't ask. Needed where there is no terminal to ask on.
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Show what would be cleared and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

fn provider_type() -> impl TypedValueParser<Value = ProviderType> {
    let words = ProviderType::ALL.map(ProviderType::as_str);
    PossibleValuesParser::new(words).try_map(|word| word.parse::<ProviderType>())
}

impl ClearArgs {
    pub(crate) fn filter(&self) -> BindingFilter {
        BindingFilter {
            priority_below: self.priority,
            ids: self.id.as_ref().map(|ids| ids.iter().copied().map(ProviderId).collect()),
            name: self.name.clone(),
            provider_type: self.provider_type,
        }
    }
}

const FIELDS_HELP: &str = "\
FIELD=VALUE sets a column by its name in the REST interface. Lists are written with commas,
objects and rules as JSON. `FIELD=` brings the default back. `FIELD=-` reads the value from
standard input and `FIELD=@FILE` from a file, which keeps secrets out of the shell's history.";

/// Columns given as `FIELD=VALUE`.
#[derive(Debug, Args)]
pub(crate) struct Fields {
    /// Columns to set.
    #[arg(value_name = "FIELD=VALUE")]
    pub(crate) fields: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Removal {
    /// Don't ask. Needed where there is no terminal to ask on.
    #[arg(long, short)]
    pub(crate) yes: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Show all users.
    List,
    /// Add a user.
    #[command(after_help = FIELDS_HELP)]
    Add {
        /// The new user's name.
        name: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// Change a user's columns.
    #[command(after_help = FIELDS_HELP)]
    Set {
        /// Id or name.
        user: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// Delete a user and the user's keys. Records of use stay.
    Rm {
        /// Id or name.
        user: String,
        #[command(flatten)]
        removal: Removal,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Show keys.
    List {
        /// Only of this user: id or name.
        #[arg(long)]
        user: Option<String>,
    },
    /// Add a key to a user and print it. It is shown only this once.
    #[command(after_help = FIELDS_HELP)]
    Add {
        /// Whose: id or name.
        user: String,
        /// The new key's name.
        name: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// Change a key's columns.
    #[command(after_help = FIELDS_HELP)]
    Set {
        /// Id, or USER/NAME.
        key: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// Give a key a new credential and print it. The old one is void at once.
    Rotate {
        /// Id, or USER/NAME.
        key: String,
    },
    /// Delete a key. Records of use stay.
    Rm {
        /// Id, or USER/NAME.
        key: String,
        #[command(flatten)]
        removal: Removal,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProviderCommand {
    /// Show all providers.
    List,
    /// Add a provider.
    #[command(after_help = FIELDS_HELP)]
    Add {
        /// The new provider's name.
        name: String,
        /// Its base URL.
        #[arg(long)]
        url: String,
        /// claude, claude-auth, codex, openai-compatible, gemini or gemini-cli.
        #[arg(long = "type", value_name = "TYPE")]
        provider_type: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// Change a provider's columns.
    #[command(after_help = FIELDS_HELP)]
    Set {
        /// Id or name.
        provider: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// Send a small real request and say how it was answered. Needs --server; exit 1 if the provider failed.
    Test {
        /// Id or name.
        provider: String,
        /// The model to ask for; default: one that the provider's rules name, or a usual one of its type.
        #[arg(long)]
        model: Option<String>,
    },
    /// Close the circuit breaker: the next request may go there. Needs --server, or the REDIS_URL of the hub.
    BreakerReset {
        /// Id or name.
        provider: String,
    },
    /// Delete a provider. Records of use stay.
    Rm {
        /// Id or name.
        provider: String,
        #[command(flatten)]
        removal: Removal,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum LimitCommand {
    /// Show what is used, reserved and allowed in each window, and when it resets. Needs --server.
    Show {
        #[command(flatten)]
        of: LimitsOf,
    },
    /// Let money and tokens begin anew: what was charged so far counts no longer.
    Reset {
        #[command(flatten)]
        of: LimitsOf,
    },
}

/// Whose limits.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct LimitsOf {
    /// Of this user: id or name.
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// Of this key: id, or USER/NAME.
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// Of this provider: id or name. A provider over a limit is passed over.
    #[arg(long)]
    pub(crate) provider: Option<String>,
}

/// What a usage report is grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    Total,
    User,
    Key,
    Provider,
    Model,
}

#[derive(Debug, Args)]
pub(crate) struct UsageArgs {
    /// A row for each what?
    #[arg(long, value_enum, default_value = "total")]
    pub(crate) by: By,
    /// The last so many hours.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=9600))]
    pub(crate) hours: u32,
    /// From this moment on, instead of --hours; cut to the hour.
    #[arg(long, value_name = "TIME", conflicts_with = "hours")]
    pub(crate) from: Option<Timestamp>,
    /// Before this moment; default: now.
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<Timestamp>,
    /// Only of this user: id or name.
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// Only for this model.
    #[arg(long)]
    pub(crate) model: Option<String>,
}
