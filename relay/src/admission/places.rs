//! How many legs stand, in all and per address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::owner::owner;
use super::{Limits, Refusal};

/// Counts the legs of a relay.
#[derive(Clone)]
pub(crate) struct Places {
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    limits: Limits,
    total: usize,
    /// Addresses with a leg only, so it is no larger than `total`.
    of_address: HashMap<IpAddr, usize>,
}

/// One leg's place, given back when dropped.
pub(crate) struct Place {
    places: Places,
    address: Option<IpAddr>,
}

impl Places {
    /// None taken.
    pub(crate) fn new(limits: Limits) -> Self {
        Self { taken: Arc::new(Mutex::new(Taken { limits, ..Taken::default() })) }
    }

    /// Other limits from now on; who has a place keeps it.
    pub(crate) fn adjust(&self, limits: Limits) {
        self.lock().limits = limits;
    }

    /// Takes a place, if the relay has one.
    pub(crate) fn take(&self) -> Result<Place, Refusal> {
        let mut taken = self.lock();
        if taken.total >= taken.limits.connections {
            return Err(Refusal::Full);
        }
        taken.total += 1;
        Ok(Place { places: self.clone(), address: None })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Says whose place it is, if that address may have one more.
    pub(crate) fn of_address(mut self, address: IpAddr) -> Result<Self, Refusal> {
        let address = owner(address);
        let mut taken = self.places.lock();
        let most = taken.limits.per_address;
        let count = taken.of_address.entry(address).or_default();
        if *count >= most {
            drop(taken);
            return Err(Refusal::AddressLimit);
        }
        *count += 1;
        drop(taken);
        self.address = Some(address);
        Ok(self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.total -= 1;
        let Some(address) = self.address else { return };
        if let Some(count) = taken.of_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                taken.of_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("address")
    }

    fn places(connections: usize, per_address: usize) -> Places {
        Places::new(Limits { connections, per_address, ..Limits::default() })
    }

    #[test]
    fn a_place_is_given_back_when_dropped() {
        let places = places(1, 9);
        let place = places.take().expect("first");
        assert_eq!(places.take().err(), Some(Refusal::Full));
        drop(place);
        assert!(places.take().is_ok());
    }

    #[test]
    fn fewer_places_take_none_away_and_more_are_there_at_once() {
        let places = places(2, 9);
        let held = [places.take().expect("first"), places.take().expect("second")];
        places.adjust(Limits { connections: 1, ..Limits::default() });
        let [first, _second] = held;
        drop(first);
        assert_eq!(places.take().err(), Some(Refusal::Full));
        places.adjust(Limits { connections: 2, ..Limits::default() });
        assert!(places.take().is_ok());
    }

    #[test]
    fn an_address_has_its_share_and_a_host_of_ipv6_is_one_address() {
        let places = places(9, 1);
        let take = |text: &str| places.take().and_then(|place| place.of_address(address(text)));
        let _held = (take("192.0.2.1").expect("v4"), take("2001:db8::1").expect("v6"));
        for text in ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::2"] {
            assert_eq!(take(text).err(), Some(Refusal::AddressLimit), "{text}");
        }
        assert!(take("2001:db8:0:1::1").is_ok());
        assert_eq!(places.lock().total, 2);
        assert_eq!(places.lock().of_address.len(), 2);
    }
}
