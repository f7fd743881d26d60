//! The environment, checked and turned into typed values.
//!
//! [`variables`] is the one list of what can be set; the documentation is generated from it. [`Config`] is the
//! result: plain structs by topic. Nothing here reads the environment: a program passes a look-up in, and gets
//! all mistakes at once. File work is in [`secrets`] alone.

mod config;
mod environment;
mod error;
mod network;
mod reader;
pub mod reference;
pub mod secrets;
mod spelling;
mod variable;
pub mod variables;

pub use config::{
    Accounting, AdminToken, Billing, BudgetMode, Config, Limits, LogFormat, MasterKey, MessageStorage,
    Observability, PickBy, Probing, RedisAddress, RedisScheme, Routing, Server, SessionPool, Sessions,
    Stores, WebLogin,
};
pub use environment::{Environment, EnvironmentError};
pub use error::{ConfigError, ConfigErrors};
pub use network::Networks;
pub use spelling::{Hint, hints};
pub use variable::{Kind, Variable};
