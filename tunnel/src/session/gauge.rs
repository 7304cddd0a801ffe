//! What a session measures of its path, shared with whoever shows it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Counts of one session. All values are relaxed: they inform, nothing is ordered by them.
#[derive(Debug, Default)]
pub struct Gauge {
    received: AtomicU64,
    rtt_micros: AtomicU64,
    paused: AtomicBool,
    pauses: AtomicU64,
}

impl Gauge {
    /// The last round trip through the tunnel, if one was measured.
    pub fn rtt(&self) -> Option<Duration> {
        match self.rtt_micros.load(Ordering::Relaxed) {
            0 => None,
            micros => Some(Duration::from_micros(micros)),
        }
    }

    /// Stops or resumes measuring: a ping sent while unpaired would measure the outage.
    pub fn pause(&self, paused: bool) {
        if !self.paused.swap(paused, Ordering::Relaxed) && paused {
            self.pauses.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often measuring was paused: what began before a pause and ended after it measured the outage.
    pub(crate) fn pauses(&self) -> u64 {
        self.pauses.load(Ordering::Relaxed)
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }

    pub(crate) fn count_received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    pub(crate) fn set_rtt(&self, rtt: Duration) {
        let micros = u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX).max(1);
        self.rtt_micros.store(micros, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outage_is_one_pause() {
        let gauge = Gauge::default();
        [true, true, false, false, true].into_iter().for_each(|paused| gauge.pause(paused));
        assert_eq!((gauge.pauses(), gauge.is_paused()), (2, true));
    }
}
