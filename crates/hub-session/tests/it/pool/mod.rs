//! The session pool: one contract for both stores, lending, several instances, a Redis that goes and comes.

mod contract;
mod fixture;
mod lending;
mod log;
#[cfg(feature = "redis")]
mod shared;
