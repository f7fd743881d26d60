//! The scripts that run inside Redis, each with what it needs of the common parts.

use hub_redis::Script;

/// A script after the parts on numbers and counters, and those that it names.
macro_rules! script {
    ($file:literal $(, $part:literal)*) => {
        Script::new(concat!(
            include_str!("scripts/numbers.lua"),
            include_str!("scripts/counters.lua"),
            $(include_str!(concat!("scripts/", $part)),)*
            include_str!(concat!("scripts/", $file)),
        ))
    };
}

pub(super) static ADMIT: Script = script!("admit.lua", "owners.lua", "held.lua");
pub(super) static LOOK: Script = script!("look.lua", "owners.lua", "held.lua");
pub(super) static FINISH: Script = script!("finish.lua", "owners.lua", "held.lua");
pub(super) static REFRESH: Script = script!("refresh.lua", "held.lua");
pub(super) static RESTORE: Script = script!("restore.lua", "owners.lua");
pub(super) static RESET: Script = script!("reset.lua", "owners.lua");
