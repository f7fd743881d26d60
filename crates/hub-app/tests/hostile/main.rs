//! The hub among enemies: garbled requests, garbled answers, slowness and floods, over real sockets.

#[cfg(test)]
mod answer_storm;
#[cfg(test)]
mod bodies;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod dice;
#[cfg(test)]
mod forge;
#[cfg(test)]
mod framings;
#[cfg(test)]
mod hub;
#[cfg(test)]
mod process;
#[cfg(test)]
mod raw_upstream;
#[cfg(test)]
mod request_storm;
#[cfg(test)]
mod verdict;
#[cfg(test)]
mod wire;
