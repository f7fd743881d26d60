//! One contract for every breaker store.

#[cfg(test)]
mod alerts;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod history;
#[cfg(test)]
mod log;
#[cfg(test)]
mod memory;
#[cfg(feature = "redis")]
#[cfg(test)]
mod redis;
