//! The repositories and the journal from outside.

#[cfg(test)]
mod conformance;
#[cfg(all(test, feature = "sqlite"))]
mod drain;
#[cfg(all(test, feature = "sqlite"))]
mod kill;
#[cfg(all(test, feature = "postgres"))]
mod postgres;
#[cfg(all(test, feature = "sqlite"))]
mod sqlite;
#[cfg(test)]
mod stock;
