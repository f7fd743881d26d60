//! Connections to Redis; the only crate that knows its client library.
//!
//! A [`RedisConnection`] exists whether or not Redis can be reached: it connects again in the background without
//! end, and says by [`RedisHealth`] how it stands. Commands travel in a [`Batch`], one round trip for all of
//! them, and fail fast, so that nobody waits for Redis: not for one that is away, and, after three time-outs in
//! a row, not for one that is slow (see `gate`).

mod batch;
mod connection;
mod error;
mod gate;
mod health;
mod loss;
mod reply;
mod run;
mod scan;
mod script;
mod settings;
mod standing;
#[cfg(feature = "test-support")]
pub mod test_support;
mod url;

pub use batch::{Argument, Batch};
pub use connection::RedisConnection;
pub use error::RedisError;
pub use health::RedisHealth;
pub use reply::RedisReply;
pub use run::BatchReplies;
pub use script::Script;
pub use settings::RedisSettings;
pub use standing::RedisFigures;
pub use url::{RedisUrl, RedisUrlError, Topology};
