//! Failed credentials by client address: 10 within 300 s, then nothing is heard for 900 s.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

const FAILURES: u32 = 10;
const WINDOW: SignedDuration = SignedDuration::from_secs(300);
const BLOCK: SignedDuration = SignedDuration::from_secs(900);
/// Addresses remembered at most; beyond that, the ones heard of longest ago are forgotten.
const ADDRESSES: usize = 10_000;

#[derive(Debug, Clone, Copy)]
struct Failures {
    since: Timestamp,
    count: u32,
    blocked_until: Option<Timestamp>,
}

impl Failures {
    fn is_over(&self, now: Timestamp) -> bool {
        match self.blocked_until {
            Some(until) => now >= until,
            None => now.duration_since(self.since) >= WINDOW,
        }
    }
}

/// A bounded table of addresses that failed lately.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    addresses: Mutex<HashMap<Option<IpAddr>, Failures>>,
}

impl Throttle {
    /// Seconds until the address is heard again; `None` = it is heard now.
    pub(crate) fn blocked_for(&self, address: Option<IpAddr>, now: Timestamp) -> Option<u64> {
        let until = self.addresses.lock().get(&network_of(address))?.blocked_until?;
        let left = until.duration_since(now);
        // Rounded up: whoever waits that long is heard.
        (left > SignedDuration::ZERO).then(|| {
            u64::try_from(left.as_secs()).unwrap_or(0).saturating_add(u64::from(left.subsec_nanos() > 0))
        })
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, address: Option<IpAddr>, now: Timestamp) {
        let mut addresses = self.addresses.lock();
        let address = network_of(address);
        if addresses.len() >= ADDRESSES && !addresses.contains_key(&address) {
            make_room(&mut addresses, now);
        }
        let fresh = Failures { since: now, count: 0, blocked_until: None };
        let entry = addresses.entry(address).or_insert(fresh);
        if entry.is_over(now) {
            *entry = fresh;
        }
        entry.count = entry.count.saturating_add(1);
        if entry.count >= FAILURES && entry.blocked_until.is_none() {
            entry.blocked_until = now.checked_add(BLOCK).ok();
        }
    }
}

/// One home has many IPv6 addresses: the first 64 bits count.
fn network_of(address: Option<IpAddr>) -> Option<IpAddr> {
    address.map(|address| match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    })
}

fn make_room(addresses: &mut HashMap<Option<IpAddr>, Failures>, now: Timestamp) {
    addresses.retain(|_, failures| !failures.is_over(now));
    if addresses.len() >= ADDRESSES {
        let oldest = addresses.iter().min_by_key(|(_, failures)| failures.since).map(|(address, _)| *address);
        if let Some(oldest) = oldest {
            addresses.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    fn address(text: &str) -> Option<IpAddr> {
        text.parse().ok()
    }

    #[test]
    fn ten_failures_in_five_minutes_block_for_fifteen() {
        let throttle = Throttle::default();
        let home = address("192.0.2.1");
        for second in 0..10 {
            assert_eq!(throttle.blocked_for(home, at(second)), None);
            throttle.failed(home, at(second));
        }
        assert_eq!(throttle.blocked_for(home, at(9)), Some(900));
        assert_eq!(throttle.blocked_for(home, at(908)), Some(1));
        assert_eq!(throttle.blocked_for(home, at(909)), None);
        assert_eq!(throttle.blocked_for(address("192.0.2.2"), at(9)), None);
        throttle.failed(home, at(909));
        assert_eq!(throttle.blocked_for(home, at(909)), None, "counting starts over");
    }

    #[test]
    fn slow_failures_never_block() {
        let throttle = Throttle::default();
        for minute in 0..40 {
            throttle.failed(None, at(minute * 60));
            assert_eq!(throttle.blocked_for(None, at(minute * 60)), None);
        }
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together_and_mapped_ones_as_ipv4() {
        let throttle = Throttle::default();
        for host in 0..10 {
            throttle.failed(address(&format!("2001:db8::{host}")), at(0));
        }
        assert!(throttle.blocked_for(address("2001:db8::ffff"), at(1)).is_some());
        assert!(throttle.blocked_for(address("2001:db8:0:1::1"), at(1)).is_none());
        assert_eq!(network_of(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }

    #[test]
    fn the_table_stays_bounded() {
        let throttle = Throttle::default();
        for n in 0..(u32::try_from(ADDRESSES).unwrap() + 50) {
            throttle.failed(Some(IpAddr::V4(n.into())), at(i64::from(n) / 1000));
        }
        assert!(throttle.addresses.lock().len() <= ADDRESSES);
    }
}
