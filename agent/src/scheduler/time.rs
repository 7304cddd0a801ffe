//! The wall clock as the planner sees it: a number that the shell hands in.

use std::ops::Add;
use std::time::Duration;

/// A point of wall-clock time in milliseconds since the Unix epoch. Arithmetic saturates: a clock that was set wrong
/// gives a wrong answer, never a panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; zero if it is still to come.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// How long it is until `later`; zero if that is past.
    pub const fn until(self, later: Self) -> Duration {
        later.since(self)
    }

    /// The point `span` before this one.
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }
}

/// Rounds up, so that what is due after `span` really is due when the sum is reached.
fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_at_either_end_does_not_wrap() {
        let last = Timestamp::from_millis(u64::MAX);
        assert_eq!(last + Duration::from_secs(1), last);
        assert_eq!(Timestamp::default().before(Duration::MAX), Timestamp::default());
        assert_eq!(Timestamp::default().since(last), Duration::ZERO);
    }

    #[test]
    fn a_span_that_was_waited_for_is_over() {
        let span = Duration::from_micros(1500);
        let then = Timestamp::default() + span;
        assert!(then.since(Timestamp::default()) >= span);
    }
}
