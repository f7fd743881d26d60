//! Addresses that try too many wrong keys have to wait. The table is bounded: under a flood of addresses the
//! oldest entries go first.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

const FAILURES: u32 = 20;
const WINDOW: Duration = Duration::from_secs(300);
const PENALTY: Duration = Duration::from_secs(600);
const MAX_ADDRESSES: usize = 10_000;

/// Counts failed credentials by address.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    addresses: Mutex<HashMap<IpAddr, Entry>>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    since: Instant,
    failures: u32,
}

impl Entry {
    /// How long an entry matters at all.
    fn ends(&self) -> Instant {
        self.since + if self.failures >= FAILURES { PENALTY } else { WINDOW }
    }
}

impl Throttle {
    /// How long an address still has to wait, if it has to.
    pub(crate) fn wait(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let addresses = self.addresses.lock();
        if addresses.is_empty() {
            return None;
        }
        let entry = addresses.get(&address)?;
        (entry.failures >= FAILURES)
            .then(|| entry.ends().saturating_duration_since(now))
            .filter(|wait| !wait.is_zero())
    }

    /// Notes a wrong key.
    pub(crate) fn note_failure(&self, address: IpAddr, now: Instant) {
        let mut addresses = self.addresses.lock();
        if addresses.len() >= MAX_ADDRESSES && !addresses.contains_key(&address) {
            make_room(&mut addresses, now);
        }
        let entry = addresses.entry(address).or_insert(Entry { since: now, failures: 0 });
        if entry.ends() <= now {
            *entry = Entry { since: now, failures: 0 };
        }
        entry.failures += 1;
        if entry.failures == FAILURES {
            // The penalty counts from here.
            entry.since = now;
        }
    }
}

fn make_room(addresses: &mut HashMap<IpAddr, Entry>, now: Instant) {
    addresses.retain(|_, entry| entry.ends() > now);
    if addresses.len() >= MAX_ADDRESSES {
        let oldest = addresses.iter().min_by_key(|(_, entry)| entry.since).map(|(address, _)| *address);
        if let Some(oldest) = oldest {
            addresses.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn the_twentieth_failure_closes_the_door_for_ten_minutes() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        for second in 0..19 {
            throttle.note_failure(ADDRESS, start + Duration::from_secs(second));
            assert_eq!(throttle.wait(ADDRESS, start + Duration::from_secs(second)), None);
        }
        let last = start + Duration::from_secs(20);
        throttle.note_failure(ADDRESS, last);
        assert_eq!(throttle.wait(ADDRESS, last), Some(PENALTY));
        assert_eq!(throttle.wait(ADDRESS, last + PENALTY), None);
        throttle.note_failure(ADDRESS, last + PENALTY);
        assert_eq!(throttle.wait(ADDRESS, last + PENALTY), None, "counting starts over");
    }

    #[test]
    fn failures_that_are_spread_out_do_not_add_up() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        for minute in 0..60 {
            throttle.note_failure(ADDRESS, start + Duration::from_secs(minute * 60));
        }
        assert_eq!(throttle.wait(ADDRESS, start + Duration::from_secs(3600)), None);
    }

    #[test]
    fn a_flood_of_addresses_is_bounded() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for address in 0..u32::try_from(MAX_ADDRESSES).unwrap() + 50 {
            throttle.note_failure(IpAddr::from(address.to_be_bytes()), now);
        }
        assert!(throttle.addresses.lock().len() <= MAX_ADDRESSES);
    }
}
