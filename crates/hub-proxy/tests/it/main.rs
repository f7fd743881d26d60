//! The gateway inside another program, as the example shows it; and with stores that answer late.

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod chain;
#[cfg(test)]
mod edits;
#[cfg(test)]
mod embed;
#[cfg(test)]
mod gated;
#[cfg(test)]
mod left_in_the_middle;
#[cfg(test)]
mod refused_address;
#[cfg(test)]
mod world;
