//! One contract for every rate limiter.

#[cfg(test)]
mod contract;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod memory;
#[cfg(feature = "redis")]
#[cfg(test)]
mod redis;
