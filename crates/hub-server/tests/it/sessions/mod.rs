//! Sessions on the real thing: hubs as child processes, on PostgreSQL and Redis.

mod away;
mod clearing;
mod cluster;
mod limits;
mod pool;
mod shared;
pub(crate) mod store;
mod table;
pub(crate) mod town;
