//! One contract for every session store.

#[cfg(test)]
mod contract;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod model;
#[cfg(test)]
mod pool;
#[cfg(feature = "redis")]
#[cfg(test)]
mod redis;
