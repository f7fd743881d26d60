//! One contract for every rate limiter.

#[cfg(test)]
mod chance;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod history;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod memory;
#[cfg(feature = "redis")]
#[cfg(test)]
mod redis;
#[cfg(test)]
mod schedule;
