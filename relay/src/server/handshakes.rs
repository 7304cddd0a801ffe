//! Connections whose request was not read yet: so many, and when one more comes the oldest gives way.
//!
//! An honest client is through in three round trips; one that says nothing holds a slot until somebody else wants it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// How long a connection keeps its slot against newcomers: several round trips, and the pace at which a crowd is let in.
const UNDISTURBED: Duration = Duration::from_secs(1);

/// The slots.
#[derive(Clone)]
pub(super) struct Handshakes {
    most: usize,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    slots: Mutex<Slots>,
    freed: Notify,
}

#[derive(Default)]
struct Slots {
    last: u64,
    /// In the order of arrival.
    taken: BTreeMap<u64, (Instant, CancellationToken)>,
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
        Self { most, shared: Arc::default() }
    }

    /// Waits for a slot: a free one, or the oldest that was held for [`UNDISTURBED`].
    pub(super) async fn enter(&self) -> Slot {
        loop {
            match self.attempt(Instant::now()) {
                Attempt::Taken(slot) => return slot,
                Attempt::FullFor(time) => tokio::select! {
                    () = self.shared.freed.notified() => {}
                    () = sleep(time) => {}
                },
            }
        }
    }

    fn attempt(&self, now: Instant) -> Attempt {
        let mut slots = self.shared.lock();
        let oldest = if slots.taken.len() >= self.most { slots.taken.first_entry() } else { None };
        if let Some(oldest) = oldest {
            let age = now.saturating_duration_since(oldest.get().0);
            if age < UNDISTURBED {
                return Attempt::FullFor(UNDISTURBED - age);
            }
            oldest.remove().1.cancel();
        }
        slots.last += 1;
        let (number, lost) = (slots.last, CancellationToken::new());
        slots.taken.insert(number, (now, lost.clone()));
        Attempt::Taken(Slot { shared: Arc::clone(&self.shared), number, lost })
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
        self.shared.lock().taken.remove(&self.number);
        self.shared.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_oldest_gives_way_to_a_newcomer_but_not_at_once() {
        let handshakes = Handshakes::new(2);
        let (first, second) = (handshakes.enter().await, handshakes.enter().await);
        let begin = Instant::now();
        let third = handshakes.enter().await;
        assert_eq!(begin.elapsed(), UNDISTURBED);
        assert!(first.lost.is_cancelled() && !second.lost.is_cancelled() && !third.lost.is_cancelled());
        assert_eq!(handshakes.shared.lock().taken.len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slot_that_is_free_again_is_taken_at_once() {
        let handshakes = Handshakes::new(1);
        let first = handshakes.enter().await;
        let begin = Instant::now();
        let (second, ()) = tokio::join!(handshakes.enter(), async { drop(first) });
        assert_eq!(begin.elapsed(), Duration::ZERO);
        assert!(!second.lost.is_cancelled());
    }
}
