//! The configuration as typed values, by topic.

mod access;
mod accounting;
mod observability;
mod routing;
mod server;
mod sessions;
mod stores;

use std::fmt::Write as _;

pub use access::{AdminToken, MasterKey, WebLogin};
pub use accounting::{Accounting, Billing};
pub use observability::{LogFormat, Observability};
pub use routing::{BudgetMode, Limits, PickBy, Probing, Routing};
pub use server::Server;
pub use sessions::{MessageStorage, SessionPool, Sessions};
pub use stores::{RedisAddress, RedisScheme, Stores};

use crate::error::ConfigErrors;
use crate::reader::{Effective, Reader};

/// All of the configuration, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The administrator's credential; `None`: to be loaded or made, see [`crate::secrets`].
    pub admin_token: Option<AdminToken>,
    /// The key that seals credentials; `None`: to be loaded or made, see [`crate::secrets`].
    pub master_key: Option<MasterKey>,
    /// Log-in to the dashboard.
    pub web_login: WebLogin,
    /// Databases and directories.
    pub stores: Stores,
    /// Listening, trust in proxies, bounds of what comes in.
    pub server: Server,
    /// Stickiness and conversations.
    pub sessions: Sessions,
    /// The pool of upstream sessions.
    pub session_pool: SessionPool,
    /// Rates and budgets.
    pub limits: Limits,
    /// Retries, failover, connecting.
    pub routing: Routing,
    /// Asking providers whether they are well.
    pub probing: Probing,
    /// Prices.
    pub accounting: Accounting,
    /// Time zone, logs, metrics, traces.
    pub observability: Observability,
    effective: Vec<Effective>,
}

impl Config {
    /// Checks everything that the look-up knows. It is asked by name, as an environment is; it decides which of
    /// its sources is the strongest.
    ///
    /// # Errors
    /// All mistakes at once.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let mut reader = Reader::new(lookup);
        let config = Self::read(&mut reader);
        match config {
            Some(config) if reader.errors.is_empty() => Ok(Self { effective: reader.effective, ..config }),
            _ => Err(ConfigErrors(reader.errors)),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        // All topics are read before the first `?`, so that the mistakes of all of them are noted.
        let (access, web_login) = (access::read(reader), WebLogin::read(reader));
        let (stores, server) = (Stores::read(reader), Server::read(reader));
        let (sessions, session_pool) = (Sessions::read(reader), SessionPool::read(reader));
        let (limits, routing, probing) = (Limits::read(reader), Routing::read(reader), Probing::read(reader));
        let (accounting, observability) = (Accounting::read(reader), Observability::read(reader));
        let access = access?;
        access.check(reader, server.as_ref().map(|server| server.listen.ip()));
        Some(Self {
            admin_token: access.admin_token,
            master_key: access.master_key,
            web_login: web_login?,
            stores: stores?,
            server: server?,
            sessions: sessions?,
            session_pool: session_pool?,
            limits: limits?,
            routing: routing?,
            probing: probing?,
            accounting: accounting?,
            observability: observability?,
            effective: Vec::new(),
        })
    }

    /// The effective value of every variable, a line each, secrets masked.
    pub fn print(&self) -> String {
        self.effective.iter().fold(String::new(), |mut text, Effective { name, value, is_default }| {
            // Writing to a String does not fail.
            let _ = match (value, is_default) {
                (None, _) => writeln!(text, "{name}=  # not set"),
                (Some(value), true) => writeln!(text, "{name}={value}  # default"),
                (Some(value), false) => writeln!(text, "{name}={value}"),
            };
            text
        })
    }
}

/// An address with one of the two schemes of the web.
fn web_address(text: &str) -> Option<url::Url> {
    let url: url::Url = text.parse().ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}
