//! One contract for every session store.

#[cfg(test)]
mod contract;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod model;
#[cfg(feature = "redis")]
#[cfg(test)]
mod redis;
