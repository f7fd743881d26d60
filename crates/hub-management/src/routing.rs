//! Choices of providers: explained, simulated, and played through under another configuration.

mod explain;
mod past;
mod simulate;
mod what_if;
