//! One rate for each address, in bounded memory. Pure: it is told the time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::bucket::{Bucket, Rate};
use super::owner::owner;

/// Most addresses that are told apart: half a MiB. Those beyond share one bucket, until others have been good again.
const MOST_ADDRESSES: usize = 8 * 1024;

/// How often something may happen, per address.
pub(super) struct Rates {
    rate: Rate,
    /// Those that have taken something and not got it back yet.
    of_address: HashMap<IpAddr, Bucket>,
    of_others: Option<Bucket>,
}

impl Rates {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, of_address: HashMap::new(), of_others: None }
    }

    /// Another rate from now on.
    pub(super) fn adjust(&mut self, rate: Rate) {
        self.rate = rate;
    }

    /// It happens once more: how long until it should have.
    pub(super) fn take(&mut self, now: Instant, address: IpAddr) -> Duration {
        let rate = self.rate;
        let bucket = self.bucket(now, address);
        bucket.take(rate, now, 1.0);
        bucket.owes(rate, now)
    }

    /// Whether it may happen once more.
    pub(super) fn try_take(&mut self, now: Instant, address: IpAddr) -> bool {
        let rate = self.rate;
        self.bucket(now, address).try_take(rate, now)
    }

    fn bucket(&mut self, now: Instant, address: IpAddr) -> &mut Bucket {
        let (rate, address) = (self.rate, owner(address));
        if self.of_address.len() >= MOST_ADDRESSES && !self.of_address.contains_key(&address) {
            self.of_address.retain(|_, bucket| !bucket.is_full(rate, now));
            if self.of_address.len() >= MOST_ADDRESSES {
                return self.of_others.get_or_insert_with(|| Bucket::full(rate, now));
            }
        }
        self.of_address.entry(address).or_insert_with(|| Bucket::full(rate, now))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn an_address_is_slowed_and_another_is_not() {
        let (now, mut rates) = (Instant::now(), Rates::new(Rate { steady: 1.0, burst: 2.0 }));
        let [a, b] = [[192, 0, 2, 1], [192, 0, 2, 2]].map(IpAddr::from);
        let waits: Vec<_> = (0..4).map(|_| rates.take(now, a).as_secs()).collect();
        assert_eq!(waits, [0, 0, 1, 2]);
        assert_eq!(rates.take(now, b), Duration::ZERO);
        assert!(!rates.try_take(now, a) && rates.try_take(now + Duration::from_secs(9), a));
    }

    #[test]
    fn more_addresses_than_are_told_apart_share_what_is_left_and_take_no_memory() {
        let (now, mut rates) = (Instant::now(), Rates::new(Rate { steady: 1.0, burst: 1.0 }));
        let address = |n: u32| IpAddr::V4(Ipv4Addr::from_bits(n));
        let most = u32::try_from(MOST_ADDRESSES).expect("fits");
        assert!((0..most).all(|n| rates.try_take(now, address(n))));
        assert!(rates.try_take(now, address(most)) && !rates.try_take(now, address(most + 1)));
        assert_eq!(rates.of_address.len(), MOST_ADDRESSES);
        assert!(rates.try_take(now + Duration::from_secs(1), address(most + 1)));
        assert_eq!(rates.of_address.len(), 1);
    }
}
