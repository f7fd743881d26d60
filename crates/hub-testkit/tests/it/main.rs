//! The test servers, tested: they start, break off, come back, freeze, and leave nothing behind.

#[cfg(test)]
mod leftovers;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod redis;
#[cfg(test)]
mod redis_cluster;
#[cfg(test)]
mod wire_tap;
