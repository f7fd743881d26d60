//! Limits on requests, money and tokens through the whole hub.

mod providers;
mod refusals;
mod till;
