//! The crate from outside.

#[cfg(test)]
mod dialects;
#[cfg(test)]
mod estimate;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod there_and_back;
