//! What the tests drive the hub with: the program as a child process, a raw HTTP client, the management API,
//! and clients whose every token is accounted for.

mod admin;
mod books;
mod callers;
mod chance;
mod http;
mod hub;
mod process;
mod wait;

pub(crate) use admin::{Admin, Seeded};
pub(crate) use books::Books;
pub(crate) use callers::{Callers, Pace};
pub(crate) use chance::Chance;
pub(crate) use http::{Answer, Connection};
pub(crate) use hub::{Hub, MASTER_KEY, Site};
pub(crate) use process::Look;
pub(crate) use wait::eventually;
