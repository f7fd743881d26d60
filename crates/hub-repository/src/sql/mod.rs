//! What PostgreSQL and SQLite have in common: the statements, and how nouns become columns and back.
//!
//! Each statement is written once, in the SQL that both understand. A driver only has to run statements in a
//! session, tell which rows of an insert were new, and pass notices on.

#![expect(
    private_bounds,
    reason = "what a driver must do is nobody's business outside; `Engine` is closed to it"
)]

mod access;
mod audit;
mod catalogue;
mod columns;
mod engine;
mod error_rules;
mod generations;
mod history;
mod implementation;
mod keys;
mod limit_events;
mod logins;
mod names;
mod notices;
mod providers;
mod records;
mod requests;
mod rollup;
mod session;
mod sums;
mod usage;
mod users;
mod value;
mod webhook_targets;

pub use engine::Engine;
pub(crate) use engine::Parts;
pub(crate) use notices::Notices;
pub(crate) use session::{Cells, Database, Insert, Mode, Params, Session};
pub(crate) use value::Value;

pub(crate) type Result<T> = std::result::Result<T, crate::RepositoryError>;
