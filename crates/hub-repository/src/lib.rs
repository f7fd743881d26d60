//! What is kept: users, keys, providers, prices, settings, and the record of every request.
//!
//! [`Repository`] is the seam: PostgreSQL and SQLite implement it and are held to one conformance suite. The
//! request path never touches it: it reads a snapshot, and writes leave through the journal.
//! What does not live here: rules about who may change what (hub-management).

mod change;
mod error;
pub mod journal;
mod limits;
#[cfg(feature = "postgres")]
mod postgres;
mod query;
mod repository;
mod schema;
mod sealer;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use change::{Change, Topic};
pub use error::RepositoryError;
pub use hub_types::Caller;
pub use limits::{
    Charged, ChargedTo, LedgerQuestion, LedgerSum, LimitEvent, LimitEventFilter, LimitEventMark, SumBy,
    SumWanted,
};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresRepository, PostgresSettings};
pub use query::{
    AuditEntry, AuditRow, Catalogue, GroupBy, KEPT_VERSIONS, KeyName, LoginSession, Names, NamesWanted,
    Order, Page, ProviderLabel, RequestFilter, RequestRow, StatusClass, UsageFilter, UsageRow, WriteSummary,
};
pub use repository::Repository;
pub use schema::SchemaState;
pub use sealer::Sealer;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use sql::Engine;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteRepository, SqliteSettings};
