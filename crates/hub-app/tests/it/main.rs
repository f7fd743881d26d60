//! The whole hub, in one process, between a client that speaks raw HTTP and simulated providers.

#[cfg(test)]
mod harness;

#[cfg(test)]
mod alerts;
#[cfg(test)]
mod attempts;
#[cfg(test)]
mod breaker;
#[cfg(test)]
mod bytes;
#[cfg(test)]
mod canary;
#[cfg(test)]
mod classes;
#[cfg(test)]
mod conversion;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod encodings;
#[cfg(test)]
mod error_rules;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod failover;
#[cfg(test)]
mod front;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod hedge;
#[cfg(test)]
mod keep_alive;
#[cfg(test)]
mod leaving;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod models;
#[cfg(test)]
mod probing;
#[cfg(test)]
mod provider_test;
#[cfg(test)]
mod records;
#[cfg(test)]
mod restart;
#[cfg(test)]
mod resting;
#[cfg(test)]
mod retries;
#[cfg(test)]
mod routing;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod timeouts;
#[cfg(test)]
mod vendor_calls;
