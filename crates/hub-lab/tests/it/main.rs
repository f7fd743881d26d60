//! The lab over real sockets.

#[cfg(test)]
mod dialects;
#[cfg(test)]
mod wire;
