//! The command line as people use it: the real program on a real SQLite database.

#[cfg(test)]
mod clear_bindings;
#[cfg(test)]
mod clear_through_server;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod manage;
#[cfg(test)]
mod provider_test;
#[cfg(test)]
mod pty;
#[cfg(test)]
mod redis_keys;
#[cfg(test)]
mod routing;
#[cfg(test)]
mod server;
#[cfg(test)]
mod usage;
