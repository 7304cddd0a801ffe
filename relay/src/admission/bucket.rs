//! How often something may happen: so many at once, and so many a second for good. Pure: it is told the time.

use std::time::{Duration, Instant};

/// A rate and what may come at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rate {
    /// A second, for good.
    pub(crate) steady: f64,
    /// At once.
    pub(crate) burst: f64,
}

/// What is left of a rate. What is taken beyond it is owed, up to another burst, and paid back by time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    /// A full one.
    pub(crate) fn full(rate: Rate, now: Instant) -> Self {
        Self { left: rate.burst, at: now }
    }

    /// Takes `amount`, whether or not it is there.
    pub(crate) fn take(&mut self, rate: Rate, now: Instant, amount: f64) {
        self.refill(rate, now);
        self.left = (self.left - amount).max(-rate.burst);
    }

    /// Takes one, if it is there.
    pub(crate) fn try_take(&mut self, rate: Rate, now: Instant) -> bool {
        self.refill(rate, now);
        let there = self.left >= 1.0;
        if there {
            self.left -= 1.0;
        }
        there
    }

    /// How long until nothing is owed.
    pub(crate) fn owes(&mut self, rate: Rate, now: Instant) -> Duration {
        self.refill(rate, now);
        if self.left >= 0.0 {
            Duration::ZERO
        } else {
            Duration::try_from_secs_f64(-self.left / rate.steady).unwrap_or(Duration::MAX)
        }
    }

    /// Whether it is as if nothing had ever been taken.
    pub(crate) fn is_full(&mut self, rate: Rate, now: Instant) -> bool {
        self.refill(rate, now);
        self.left >= rate.burst
    }

    fn refill(&mut self, rate: Rate, now: Instant) {
        let passed = now.saturating_duration_since(self.at);
        self.at = self.at.max(now);
        self.left = rate.burst.min(self.left + passed.as_secs_f64() * rate.steady);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { steady: 2.0, burst: 3.0 };

    #[test]
    fn so_many_at_once_and_then_by_time() {
        let start = Instant::now();
        let mut bucket = Bucket::full(RATE, start);
        let taken = |bucket: &mut Bucket, now| (0..9).filter(|_| bucket.try_take(RATE, now)).count();
        assert_eq!(taken(&mut bucket, start), 3);
        assert_eq!(taken(&mut bucket, start + Duration::from_secs(1)), 2);
        assert!(!bucket.is_full(RATE, start + Duration::from_secs(2)));
        assert_eq!(taken(&mut bucket, start + Duration::from_secs(100)), 3);
        assert!(bucket.is_full(RATE, start + Duration::from_secs(200)));
    }

    #[test]
    fn what_is_owed_is_paid_by_time_and_a_clock_that_stands_gives_nothing() {
        let start = Instant::now();
        let mut bucket = Bucket::full(RATE, start);
        bucket.take(RATE, start, 13.0);
        assert_eq!(bucket.owes(RATE, start), Duration::from_millis(1500));
        assert_eq!(bucket.owes(RATE, start + Duration::from_secs(1)), Duration::from_millis(500));
        assert_eq!(bucket.owes(RATE, start), Duration::from_millis(500));
        assert_eq!(bucket.owes(RATE, start + Duration::from_secs(2)), Duration::ZERO);
    }
}
