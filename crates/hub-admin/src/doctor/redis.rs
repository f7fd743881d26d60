//! Redis: does anybody answer at its address?

use hub_config::RedisAddress;

use super::Check;
use super::providers::{host_and_port, reach};
use crate::messages::Messages;

/// Connects to the first address; the URL itself may hold a password and is not shown.
pub(super) async fn check(address: &RedisAddress, messages: &Messages) -> Check {
    match reach(&host_and_port(address.url.expose(), 6379)).await {
        Ok(address) => Check::ok("redis", address),
        Err(error) => Check::fail("redis", error, messages.fix_redis),
    }
}
