//! The scripts that run inside Redis. Each is about one key, except the admission (see `admit.rs`) and the
//! clearing of a slice (see `clear/roster.rs`).

use hub_redis::Script;

pub(super) static ADMIT: Script = Script::new(include_str!("scripts/admit.lua"));
pub(super) static SLOT: Script = Script::new(include_str!("scripts/slot.lua"));
pub(super) static ROSTER: Script = Script::new(include_str!("scripts/roster.lua"));
pub(super) static LATEST: Script = Script::new(include_str!("scripts/latest.lua"));
pub(super) static FIELDS: Script = Script::new(include_str!("scripts/fields.lua"));
pub(super) static USAGE: Script = Script::new(include_str!("scripts/usage.lua"));
pub(super) static IN_FLIGHT: Script = Script::new(include_str!("scripts/in_flight.lua"));
pub(super) static CLEAR: Script = Script::new(include_str!("scripts/clear.lua"));
pub(super) static UNBIND: Script = Script::new(include_str!("scripts/unbind.lua"));
pub(super) static RENEW: Script = Script::new(include_str!("scripts/renew.lua"));
pub(super) static HAND_ON: Script = Script::new(include_str!("scripts/hand_on.lua"));
