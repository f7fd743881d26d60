//! Real PostgreSQL, Redis and proxy processes for tests.
//!
//! Nothing is mocked: [`Postgres`] and [`Redis`] start the servers that Debian packages, on loopback, in a
//! directory of their own. They can be stopped, started again on the same port and frozen, so that a test
//! sees what the hub does while they are away. A guard process outside the test removes server and directory
//! when the test process ends, in whatever way it does (see `guard`). [`RedisDatabase`] is one of the numbered
//! databases of a Redis that many tests share, [`RedisCluster`] is three such servers,
//! [`TestProxy`] is tinyproxy, microsocks or stunnel, and [`WireTap`] stands before a server to count round
//! trips and to make it slow.
//!
//! Linux only (it reads `/proc`). For tests: errors are `anyhow` and say what to install.

mod guard;
mod patience;
mod port;
mod postgres;
mod process_tree;
mod programs;
mod proxy;
mod redis;
mod server;
mod wire_tap;

pub use patience::until;
pub use postgres::{Postgres, TestDatabase};
pub use proxy::TestProxy;
pub use redis::{Redis, RedisCluster, RedisDatabase};
pub use wire_tap::WireTap;
