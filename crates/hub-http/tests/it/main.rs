//! The transport over real sockets: the server and its patience, the upstream client and its pools.

#[cfg(test)]
mod client;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod framing;
#[cfg(test)]
mod patience;
#[cfg(test)]
mod unreadable;
#[cfg(test)]
mod upstream;
