//! The connection against a real Redis that comes and goes.

#[cfg(test)]
mod outages;
