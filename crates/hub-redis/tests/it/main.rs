//! The connection against a real Redis that comes and goes, alone, as a cluster and behind a tap.

#[cfg(test)]
mod batches;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod scanning;
#[cfg(test)]
mod scripts;
#[cfg(test)]
mod slowness;
#[cfg(test)]
mod support;
