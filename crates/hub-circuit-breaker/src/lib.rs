//! Circuit breakers: a provider that fails again and again is left alone for a while, then tried carefully.
//!
//! [`step`] is the machine, a pure function: closed, open after so many counted failures in a row, half-open when
//! its time is over, closed again after so many successes. [`BreakerStore`] is the seam to where states are kept:
//! in this process, or in Redis for several instances, with this process to fall back on; all stores are held to
//! one conformance suite. Whatever changes comes back as a [`Transition`], for the caller to log and to alert
//! about; [`AlertThrottle`] says whether an alert is due. [`CoolDowns`] are the pauses that upstreams ask for.
//!
//! What does not live here: which failures count (hub-routing's classification), choosing, and sending probes.
//! **A counted failure is one per provider per client request.** That is the caller's duty: whoever tries the same
//! provider twice for a request reports what became of it once.

mod alert;
mod config;
mod cool_down;
#[cfg(feature = "redis")]
mod fallback;
mod memory;
mod merge;
#[cfg(feature = "redis")]
mod redis;
mod state;
mod step;
mod store;
mod time;
mod transition;

pub use alert::{ALERT_PERIOD, AlertThrottle, Occasion};
pub use config::BreakerConfig;
pub use cool_down::{CoolDowns, LONGEST_PAUSE};
#[cfg(feature = "redis")]
pub use fallback::{FallbackBreakerStore, STALENESS};
pub use memory::MemoryBreakerStore;
pub use merge::merge;
#[cfg(feature = "redis")]
pub use redis::{BreakersUnavailable, Known, RedisBreakers, Told};
pub use state::{BreakerHealth, BreakerState, Phase, Trial, UnknownPhase};
pub use step::{Event, step};
pub use store::{Breaker, BreakerStore, Permission, TrialAnswer};
pub use transition::Transition;
