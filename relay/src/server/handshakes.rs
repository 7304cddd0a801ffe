//! Connections whose request was not read yet: so many, and when one more comes another gives way.
//!
//! An honest client is through in three round trips; one that says nothing holds a slot until somebody else wants it. The
//! address that holds the most gives way first, and at once if it holds more than its share: so a crowd from one address
//! pushes out itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::admission::owner;

/// How long a connection keeps its slot against newcomers if its address holds no more than its share: several round trips,
/// and the pace at which a crowd from everywhere is let in.
const UNDISTURBED: Duration = Duration::from_secs(1);
/// The share of an address, as a part of all slots.
const SHARE: usize = 8;

/// The slots.
#[derive(Clone)]
pub(super) struct Handshakes {
    shared: Arc<Shared>,
}

struct Shared {
    slots: Mutex<Slots>,
    freed: Notify,
}

#[derive(Default)]
struct Slots {
    most: usize,
    last: u64,
    /// In the order of arrival.
    taken: BTreeMap<u64, Holder>,
    /// Which of them each address has. Counting them anew would cost a relay under a flood most of its time.
    held: HashMap<IpAddr, BTreeSet<u64>>,
}

struct Holder {
    /// `None` for a proxy, which stands for many.
    address: Option<IpAddr>,
    since: Instant,
    lost: CancellationToken,
}

/// One slot, free again when dropped.
pub(super) struct Slot {
    shared: Arc<Shared>,
    number: u64,
    lost: CancellationToken,
}

enum Attempt {
    Taken(Slot),
    FullFor(Duration),
}

impl Handshakes {
    /// `most` slots, all free.
    pub(super) fn new(most: usize) -> Self {
        let slots = Mutex::new(Slots { most, ..Slots::default() });
        Self { shared: Arc::new(Shared { slots, freed: Notify::new() }) }
    }

    /// So many slots from now on; of those taken beyond, each newcomer makes the ones that give way go.
    pub(super) fn adjust(&self, most: usize) {
        self.shared.lock().most = most;
        self.shared.freed.notify_one();
    }

    /// Waits for a slot: a free one, or one whose holder gives way. `address` is `None` for one that stands for many.
    pub(super) async fn enter(&self, address: Option<IpAddr>) -> Slot {
        let address = address.map(owner);
        loop {
            match self.attempt(Instant::now(), address) {
                Attempt::Taken(slot) => return slot,
                Attempt::FullFor(time) => tokio::select! {
                    () = self.shared.freed.notified() => {}
                    () = sleep(time) => {}
                },
            }
        }
    }

    fn attempt(&self, now: Instant, address: Option<IpAddr>) -> Attempt {
        let mut slots = self.shared.lock();
        while slots.taken.len() >= slots.most {
            if let Err(time) = slots.make_room(now) {
                return Attempt::FullFor(time);
            }
        }
        slots.last += 1;
        let (number, lost) = (slots.last, CancellationToken::new());
        slots.take(number, Holder { address, since: now, lost: lost.clone() });
        Attempt::Taken(Slot { shared: Arc::clone(&self.shared), number, lost })
    }
}

impl Slots {
    /// Takes a slot from somebody; else says when that may be tried again.
    fn make_room(&mut self, now: Instant) -> Result<(), Duration> {
        let victim = match self.above_share(self.most / SHARE) {
            Some(number) => number,
            None => self.oldest(now)?,
        };
        if let Some(holder) = self.free(victim) {
            holder.lost.cancel();
        }
        Ok(())
    }

    fn take(&mut self, number: u64, holder: Holder) {
        if let Some(address) = holder.address {
            self.held.entry(address).or_default().insert(number);
        }
        self.taken.insert(number, holder);
    }

    fn free(&mut self, number: u64) -> Option<Holder> {
        let holder = self.taken.remove(&number)?;
        if let Some(address) = holder.address
            && let Some(held) = self.held.get_mut(&address)
        {
            held.remove(&number);
            if held.is_empty() {
                self.held.remove(&address);
            }
        }
        Some(holder)
    }

    /// The oldest slot of the address that holds the most, if those are more than `share`.
    fn above_share(&self, share: usize) -> Option<u64> {
        let most = self.held.values().max_by_key(|held| held.len())?;
        if most.len() > share { most.first().copied() } else { None }
    }

    fn oldest(&self, now: Instant) -> Result<u64, Duration> {
        let Some((number, holder)) = self.taken.first_key_value() else { return Err(UNDISTURBED) };
        let age = now.saturating_duration_since(holder.since);
        if age < UNDISTURBED { Err(UNDISTURBED - age) } else { Ok(*number) }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Resolves when the slot was given to somebody else.
    pub(super) async fn lost(&self) {
        self.lost.cancelled().await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shared.lock().free(self.number);
        self.shared.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_oldest_gives_way_to_a_newcomer_but_not_at_once() {
        let handshakes = Handshakes::new(2);
        let (first, second) = (handshakes.enter(None).await, handshakes.enter(None).await);
        let begin = Instant::now();
        let third = handshakes.enter(None).await;
        assert_eq!(begin.elapsed(), UNDISTURBED);
        assert!(first.lost.is_cancelled() && !second.lost.is_cancelled() && !third.lost.is_cancelled());
        assert_eq!(handshakes.shared.lock().taken.len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slot_that_is_free_again_is_taken_at_once() {
        let handshakes = Handshakes::new(1);
        let first = handshakes.enter(None).await;
        let begin = Instant::now();
        let (second, ()) = tokio::join!(handshakes.enter(None), async { drop(first) });
        assert_eq!(begin.elapsed(), Duration::ZERO);
        assert!(!second.lost.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn more_slots_are_there_at_once_and_fewer_when_the_next_one_comes() {
        let handshakes = Handshakes::new(1);
        let first = handshakes.enter(None).await;
        let begin = Instant::now();
        let (second, ()) = tokio::join!(handshakes.enter(None), async { handshakes.adjust(3) });
        let third = handshakes.enter(None).await;
        assert_eq!(begin.elapsed(), Duration::ZERO);
        handshakes.adjust(2);
        let fourth = handshakes.enter(None).await;
        assert_eq!([first, second, third, fourth].map(|slot| slot.lost.is_cancelled()), [true, true, false, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_from_one_address_pushes_out_itself_and_at_once() {
        let handshakes = Handshakes::new(16);
        let address = |host: u16| Some(IpAddr::from([0x2001, 0xdb8, 0, host, 0, 0, 0, 1]));
        let honest = handshakes.enter(address(1)).await;
        let begin = Instant::now();
        let mut crowd = Vec::new();
        for _ in 0..1000 {
            crowd.push(handshakes.enter(address(2)).await);
        }
        let late = handshakes.enter(address(3)).await;
        assert_eq!(begin.elapsed(), Duration::ZERO);
        assert!(!honest.lost.is_cancelled() && !late.lost.is_cancelled());
        assert_eq!(crowd.iter().filter(|slot| !slot.lost.is_cancelled()).count(), 14);
        drop((honest, late, crowd));
        assert!(handshakes.shared.lock().held.is_empty(), "who is gone is forgotten");
    }
}
