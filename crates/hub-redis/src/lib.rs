//! Connections to Redis; the only crate that knows its client library.
//!
//! A [`RedisConnection`] exists whether or not Redis can be reached: it connects again in the background without
//! end, and says by [`RedisHealth`] how it stands. A command fails fast, so that nobody waits for Redis.

mod batch;
mod connection;
mod error;
mod health;
mod reply;
mod run;
mod scan;
mod script;
mod settings;
mod url;

pub use batch::{Argument, Batch};
pub use connection::RedisConnection;
pub use error::RedisError;
pub use health::RedisHealth;
pub use reply::RedisReply;
pub use run::BatchReplies;
pub use script::Script;
pub use settings::RedisSettings;
pub use url::{RedisUrl, RedisUrlError, Topology};
