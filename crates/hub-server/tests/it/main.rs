//! The hub as its users run it: the real program in a directory of its own, in front of simulated providers.
//! What is tested elsewhere: single formats, routes and stores.

#[cfg(test)]
mod aborts;
#[cfg(test)]
mod breakers;
#[cfg(test)]
mod change_notices;
#[cfg(test)]
mod chaos;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod failover_load;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod redis;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod slow_readers;
