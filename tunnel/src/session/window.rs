//! How much may be outstanding: bandwidth times the smallest round trip, so that a long fat path is filled and a
//! slow one keeps no queue. Pure.

use std::time::Duration;

use super::SHARES;
use crate::limits::LARGEST_WINDOW;

/// Where it stops growing, bytes: all streams together have [`SHARES`] of it.
const LARGEST: u32 = LARGEST_WINDOW / SHARES;

/// The receive window of each stream.
#[derive(Debug)]
pub(super) struct Window {
    size: u32,
    smallest_rtt: Option<Duration>,
    best_bytes_per_second: f64,
}

impl Window {
    pub(super) fn new(first: u32) -> Self {
        Self { size: first, smallest_rtt: None, best_bytes_per_second: 0.0 }
    }

    /// Takes one measurement: `bytes` came between a PING and its answer, which took `rtt`.
    /// Returns the new window if it grew.
    pub(super) fn measure(&mut self, bytes: u64, rtt: Duration) -> Option<u32> {
        let rtt = rtt.max(Duration::from_micros(1));
        let smallest = self.smallest_rtt.map_or(rtt, |known| known.min(rtt));
        self.smallest_rtt = Some(smallest);
        self.best_bytes_per_second = self.best_bytes_per_second.max(bytes as f64 / rtt.as_secs_f64());
        let wanted = 2.0 * self.best_bytes_per_second * smallest.as_secs_f64();
        let wanted = (wanted as u32).min(self.size.saturating_mul(2)).min(LARGEST);
        if wanted <= self.size {
            return None;
        }
        self.size = wanted;
        Some(wanted)
    }

    pub(super) fn is_largest(&self) -> bool {
        self.size >= LARGEST
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_fast_long_path_grows_to_the_limit_by_doubling() {
        let mut window = Window::new(1024 * 1024);
        assert_eq!(window.measure(0, 100 * MS), None);
        let mut sizes = Vec::new();
        while !window.is_largest() {
            let full = u64::from(window.size);
            sizes.extend(window.measure(full, 100 * MS));
        }
        assert_eq!(sizes, [2 * 1024 * 1024, 4 * 1024 * 1024, LARGEST]);
    }

    #[test]
    fn a_queue_on_a_slow_path_does_not_grow_it() {
        // 100 Mbit/s and 20 ms: 250 kB are on the way; a full queue makes the ping slow, not the path fat.
        let mut window = Window::new(1024 * 1024);
        window.measure(0, 20 * MS);
        for _ in 0..20 {
            assert_eq!(window.measure(1_250_000, 100 * MS), None);
        }
    }

    proptest! {
        #[test]
        fn it_never_shrinks_never_more_than_doubles_and_is_bounded(steps in proptest::collection::vec((any::<u64>(), any::<u64>()), 0..50)) {
            let mut window = Window::new(1024);
            for (bytes, micros) in steps {
                let before = window.size;
                window.measure(bytes, Duration::from_micros(micros));
                prop_assert!(window.size >= before && window.size <= before.saturating_mul(2) && window.size <= LARGEST);
            }
        }
    }
}
