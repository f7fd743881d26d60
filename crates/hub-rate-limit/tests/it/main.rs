//! One contract for every rate limiter.

#[cfg(test)]
mod contract;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod memory;
