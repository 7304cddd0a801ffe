//! When an invocation must be over: its deadline is wall clock, as Lambda counts it. Pure.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A point of wall-clock time, ms since the Unix epoch, as in Lambda's `Lambda-Runtime-Deadline-Ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixMs(pub u64);

impl UnixMs {
    /// The system's wall clock.
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(millis(since))
    }

    /// This point and `later`.
    pub fn plus(self, later: Duration) -> Self {
        Self(self.0.saturating_add(millis(later)))
    }

    /// How long from `earlier` to here; zero if it is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    fn minus(self, earlier: Duration) -> Self {
        Self(self.0.saturating_sub(millis(earlier)))
    }
}

/// `ending` is said this long before the deadline, or a sixth of the timeout if that is less.
const NOTICE: Duration = Duration::from_secs(10);
/// Kept back for the answer to reach Lambda, or a twentieth of the timeout if that is less.
const MARGIN: Duration = Duration::from_secs(1);

/// The times of one invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// When Lambda would kill the process.
    pub deadline: UnixMs,
    /// When to say `ending`.
    pub ending: UnixMs,
    /// When everything must be over.
    pub stop: UnixMs,
}

impl Times {
    /// The times of an invocation that begins `now`; what is left at its beginning is the function's timeout.
    pub fn new(deadline: UnixMs, now: UnixMs) -> Self {
        let timeout = deadline.since(now);
        Self { deadline, ending: deadline.minus(NOTICE.min(timeout / 6)), stop: deadline.minus(MARGIN.min(timeout / 20)) }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_long_invocation_has_ten_seconds_of_notice_and_one_of_margin() {
        let times = Times::new(UnixMs(900_000), UnixMs(0));
        assert_eq!((times.ending, times.stop), (UnixMs(890_000), UnixMs(899_000)));
    }

    #[test]
    fn a_short_one_has_its_share() {
        let times = Times::new(UnixMs(12_000), UnixMs(0));
        assert_eq!((times.ending, times.stop), (UnixMs(10_000), UnixMs(11_400)));
    }

    proptest! {
        #[test]
        fn notice_comes_before_the_stop_and_the_stop_before_the_deadline(deadline: u64, now: u64) {
            let times = Times::new(UnixMs(deadline), UnixMs(now));
            prop_assert!(times.ending <= times.stop && times.stop <= times.deadline);
        }
    }
}
