//! The command line as people use it: the real program on a real SQLite database.

#[cfg(test)]
mod doctor;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod manage;
#[cfg(test)]
mod server;
#[cfg(test)]
mod usage;
