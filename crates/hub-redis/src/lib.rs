//! Connections to Redis; the only crate that knows its client library.
//!
//! A [`RedisConnection`] exists whether or not Redis can be reached: it connects again in the background without
//! end, and says by [`RedisHealth`] how it stands. A command fails fast, so that nobody waits for Redis.

mod connection;
mod error;
mod health;
mod settings;
mod url;

pub use connection::RedisConnection;
pub use error::RedisError;
pub use health::RedisHealth;
pub use settings::RedisSettings;
pub use url::{RedisUrl, RedisUrlError, Topology};
