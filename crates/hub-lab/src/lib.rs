//! Simulated providers in four dialects, with scripted faults, that count what they answered.
//!
//! A [`Lab`] is an HTTP/1.1 server on loopback. The dialect follows from the path, as with a real vendor, and
//! every answer is shaped by a [`Behaviour`]: the built-in one, overlaid by the [`Scenario`], overlaid by the
//! request's own `x-lab` header. The [`Witness`] remembers what was received and what was answered, so that a
//! test can compare the hub's books, bytes and headers with what really crossed the wire.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use hub_lab::{Behaviour, Lab, LabConfig, Scenario};
//!
//! let lab = Lab::start(LabConfig::default()).await?;
//! lab.set_scenario(Scenario::always(Behaviour { status: Some(529), ..Behaviour::default() }));
//! // … send requests to `lab.url()` …
//! assert_eq!(lab.witness().totals().answered, 1);
//! lab.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! Not here: anything of the hub itself. The lab shares only the nouns of `hub-types` with it, so that the two
//! cannot agree on a mistake.

mod accept;
mod answer;
mod behaviour;
mod body;
mod compose;
mod control;
mod errand;
mod lab;
pub mod load;
mod probe;
mod route;
mod scenario;
mod serve;
mod socket;
mod witness;

pub use behaviour::{Behaviour, Cut, Malformed, ScriptError};
pub use lab::{Lab, LabConfig};
pub use route::Call;
pub use scenario::{ModelRule, Scenario};
pub use witness::{Entry, Outcome, Totals, Witness};
