//! The lab over real sockets.

#[cfg(test)]
mod client;
#[cfg(test)]
mod dialects;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod life;
#[cfg(test)]
mod load;
#[cfg(test)]
mod witness;
