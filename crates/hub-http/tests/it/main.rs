//! The transport over real sockets: the server and its patience, the upstream client and its pools.

#[cfg(test)]
mod client;
#[cfg(test)]
mod deadline;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod framing;
#[cfg(test)]
mod http2;
#[cfg(test)]
mod http2_rude;
#[cfg(test)]
mod misproxy;
#[cfg(test)]
mod patience;
#[cfg(test)]
mod peer;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod trust;
#[cfg(test)]
mod unreadable;
#[cfg(test)]
mod upstream;
