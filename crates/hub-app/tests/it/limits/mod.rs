//! Limits on requests, money and tokens through the whole hub.

mod budgets;
mod providers;
mod refusals;
mod till;
