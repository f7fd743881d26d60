//! The scripts that run inside Redis, each with what it needs of the common parts.
//!
//! Whatever a part defines costs every call time, so what is rarely needed comes last: as a rule a script has
//! returned before.

use hub_redis::Script;

/// A script of these parts, in this order.
macro_rules! script {
    ($($part:literal)*) => {
        Script::new(concat!($(include_str!(concat!("scripts/", $part)),)*))
    };
}

pub(super) static ADMIT: Script = script!(
    "numbers.lua" "buckets.lua" "owners.lua" "held.lua" "glance.lua" "admit.lua"
    "counters.lua" "rules.lua" "admit_at_length.lua"
);
pub(super) static LOOK: Script = script!(
    "numbers.lua" "buckets.lua" "owners.lua" "held.lua" "glance.lua" "look.lua"
    "counters.lua" "rules.lua" "look_at_length.lua"
);
pub(super) static FINISH: Script = script!(
    "numbers.lua" "buckets.lua" "owners.lua" "held.lua" "finish.lua"
    "counters.lua" "finish_at_length.lua"
);
pub(super) static REFRESH: Script = script!("numbers.lua" "held.lua" "refresh.lua");
pub(super) static RESTORE: Script =
    script!("numbers.lua" "buckets.lua" "owners.lua" "counters.lua" "restore.lua");
pub(super) static RESET: Script = script!("numbers.lua" "buckets.lua" "owners.lua" "reset.lua");
pub(super) static OUTDATE: Script = script!("numbers.lua" "buckets.lua" "owners.lua" "outdate.lua");
