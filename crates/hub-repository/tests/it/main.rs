//! The repositories and the journal from outside.

#[cfg(test)]
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod conformance;
#[cfg(test)]
#[cfg(feature = "sqlite")]
mod drain;
#[cfg(test)]
#[cfg(feature = "sqlite")]
mod kill;
#[cfg(test)]
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(test)]
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(test)]
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod stock;
