//! Limits on the real thing: hubs as child processes, on PostgreSQL and Redis.

mod away;
mod late;
mod shared;
