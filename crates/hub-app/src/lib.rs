//! Composition: a configuration goes in, a running hub comes out, and at its end everything is drained.
//!
//! Nothing is decided here; the parts are opened, joined and closed in the right order. The listener is handed
//! in, so tests run the whole hub on port 0.

mod alert_text;
mod alerts;
mod app;
mod directory;
mod error;
mod error_rule_tests;
mod front;
mod health;
mod last_use;
mod limits;
pub mod logging;
mod metrics;
mod probing;
mod provider_tests;
mod recorder;
mod refresh;
mod sessions;
mod status;
mod stores;
mod unbind;
mod webhooks;

pub use app::{App, Drained, Parts};
pub use error::StartError;
pub use stores::Access;
