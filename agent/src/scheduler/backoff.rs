//! When to try again after a failure: growing delays with jitter, one account per region.

use std::time::Duration;

use super::time::Timestamp;

/// Doublings after which a delay no longer grows: the longest delays are reached well before.
const MOST_DOUBLINGS: u32 = 16;

/// What kind of failure it was, which is how much hope there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// AWS asks for patience: too many requests, or no concurrency left.
    Throttled,
    /// It may work next time: a timeout, a lost connection, a crash.
    Retryable,
    /// It will not work until somebody changes something: no permission, no function. Tried again all the same, rarely.
    Permanent,
}

impl FailureKind {
    /// The first delay and the longest one. A concurrency slot comes free within seconds; a permission takes a person, who
    /// then waits for the next try. A refused call costs nothing.
    const fn delays(self) -> (Duration, Duration) {
        match self {
            Self::Throttled => (Duration::from_secs(2), Duration::from_secs(60)),
            Self::Retryable => (Duration::from_secs(1), Duration::from_secs(60)),
            Self::Permanent => (Duration::from_secs(10), Duration::from_secs(60)),
        }
    }
}

/// A random fraction from 0 to 1, drawn by the caller, so that the planner itself stays deterministic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jitter(f64);

impl Jitter {
    /// Takes a fraction; what lies outside 0 to 1 is brought inside.
    pub const fn new(fraction: f64) -> Self {
        if fraction.is_nan() { Self(1.0) } else { Self(fraction.clamp(0.0, 1.0)) }
    }

    /// Between half of `delay` and all of it.
    fn shorten(self, delay: Duration) -> Duration {
        delay.mul_f64(0.5 + self.0 / 2.0)
    }
}

/// The account of failures in a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
    last: Option<Failure>,
    /// A start succeeded after the last failure.
    hopeful: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Failure {
    kind: FailureKind,
    at: Timestamp,
    retry_at: Timestamp,
}

impl Backoff {
    /// Notes a failure.
    pub fn fail(&mut self, now: Timestamp, kind: FailureKind, jitter: Jitter) {
        let (first, longest) = kind.delays();
        let delay = first.saturating_mul(1 << self.failures.min(MOST_DOUBLINGS)).min(longest);
        self.failures = self.failures.saturating_add(1);
        self.hopeful = false;
        self.last = Some(Failure { kind, at: now, retry_at: now + jitter.shorten(delay) });
    }

    /// Forgets all failures if what succeeded at `success` did so after the last of them: that an older exit still works
    /// says nothing of new ones.
    pub fn succeed(&mut self, success: Timestamp) {
        if self.last.is_some_and(|failure| failure.at <= success) {
            *self = Self::default();
        }
    }

    /// Notes that a start succeeded. The second in a row forgets all failures; one alone may crash at its first stream.
    pub fn start_succeeded(&mut self) {
        if self.hopeful {
            *self = Self::default();
        } else {
            self.hopeful = self.last.is_some();
        }
    }

    /// Waits no longer for the next try; should that fail too, the delays go on growing.
    pub fn retry_now(&mut self, now: Timestamp) {
        if let Some(failure) = &mut self.last {
            failure.retry_at = failure.retry_at.min(now);
        }
    }

    /// When the next try may be made, if that is still to come.
    pub fn retry_at(&self, now: Timestamp) -> Option<Timestamp> {
        // A failure that is still to come was noted before the clock was set back.
        self.last.filter(|failure| failure.at <= now).map(|failure| failure.retry_at).filter(|at| *at > now)
    }

    /// What the last failure was, until it is forgotten.
    pub fn last_kind(&self) -> Option<FailureKind> {
        self.last.map(|failure| failure.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_000_000);

    fn delays(kind: FailureKind, jitter: f64) -> Vec<u64> {
        let mut backoff = Backoff::default();
        let mut delays = Vec::new();
        for _ in 0..40 {
            backoff.fail(START, kind, Jitter::new(jitter));
            delays.push(START.until(backoff.retry_at(START).expect("a delay")).as_millis() as u64);
        }
        delays
    }

    #[test]
    fn delays_double_up_to_a_minute() {
        assert_eq!(delays(FailureKind::Retryable, 1.0)[..8], [1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000]);
        assert_eq!(delays(FailureKind::Throttled, 0.0)[..6], [1000, 2000, 4000, 8000, 16000, 30000]);
    }

    #[test]
    fn what_needs_a_person_is_still_tried_every_minute() {
        assert_eq!(delays(FailureKind::Permanent, 1.0).last(), Some(&60_000));
    }

    #[test]
    fn a_clock_that_was_set_back_delays_nothing() {
        let mut backoff = Backoff::default();
        backoff.fail(START, FailureKind::Permanent, Jitter::new(1.0));
        assert_eq!(backoff.retry_at(START.before(Duration::from_secs(3600))), None);
        assert!(backoff.retry_at(START).is_some());
    }

    #[test]
    fn a_try_now_is_one_try() {
        let mut backoff = Backoff::default();
        backoff.retry_now(START);
        assert_eq!(backoff, Backoff::default());
        backoff.fail(START, FailureKind::Permanent, Jitter::new(1.0));
        backoff.retry_now(START);
        assert_eq!((backoff.retry_at(START), backoff.last_kind()), (None, Some(FailureKind::Permanent)));
        backoff.fail(START, FailureKind::Permanent, Jitter::new(1.0));
        assert_eq!(backoff.retry_at(START), Some(START + Duration::from_secs(20)));
    }

    #[test]
    fn two_starts_in_a_row_forget_failures_but_starts_that_crash_do_not() {
        let mut backoff = Backoff::default();
        for _ in 0..3 {
            backoff.fail(START, FailureKind::Retryable, Jitter::new(1.0));
            backoff.start_succeeded();
        }
        assert_eq!(backoff.failures, 3);
        backoff.start_succeeded();
        assert_eq!(backoff, Backoff::default());
    }

    #[test]
    fn only_a_later_success_forgets_failures() {
        let mut backoff = Backoff::default();
        backoff.fail(START, FailureKind::Throttled, Jitter::new(f64::NAN));
        backoff.succeed(START.before(Duration::from_secs(1)));
        assert_eq!(backoff.last_kind(), Some(FailureKind::Throttled));
        backoff.succeed(START);
        assert_eq!(backoff, Backoff::default());
    }
}
