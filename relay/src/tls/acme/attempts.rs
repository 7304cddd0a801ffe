//! When the CA may be asked again, after what it was asked before. Kept on disk, so that restarts do not count anew.
//!
//! Let's Encrypt bears five failed proofs of a name an hour, and five certificates of the same names a week; others are no
//! more generous.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

const MINUTE: Duration = Duration::from_secs(60);
/// The wait after the CA has said no once; the first mistake is often mended at once.
const FIRST_REFUSAL: Duration = MINUTE;
/// The wait after the second no; each further one doubles it. So the fifth comes after the first hour.
const SECOND_REFUSAL: Duration = Duration::from_secs(10 * 60);
/// The wait after a CA was not reached; each further time doubles it.
const FIRST_SILENCE: Duration = Duration::from_secs(15);
/// Longest wait after refusals: two attempts a day find out that whatever it was is over.
const LONGEST_REFUSAL: Duration = Duration::from_secs(12 * 3600);
/// Longest wait while the CA cannot be reached: asking costs it nothing that it counts.
const LONGEST_SILENCE: Duration = Duration::from_secs(3600);
/// How much longer a wait may turn out, so that relays that failed together do not ask together.
const JITTER: f64 = 0.25;
/// Refusals an hour after which even a person's wish to hurry waits.
const REFUSALS_PER_HOUR: usize = 4;

/// The attempts since the last success. Times are seconds since 1970.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attempts {
    failed: u32,
    next: u64,
    refusals: Vec<u64>,
}

impl Attempts {
    /// How many have failed.
    pub(super) fn failed(&self) -> u32 {
        self.failed
    }

    /// When the next one may begin.
    pub(super) fn next(&self) -> SystemTime {
        // A file that names a moment beyond all clocks names none.
        UNIX_EPOCH.checked_add(Duration::from_secs(self.next)).unwrap_or(UNIX_EPOCH)
    }

    /// One begins. Until its end is known it is one that was refused.
    pub(super) fn begin(&self, now: SystemTime, jitter: f64) -> Self {
        self.after(now, true, None, jitter)
    }

    /// One has failed: the CA `counts` it or was not reached, and may have said until when it wants to be left alone.
    pub(super) fn after(&self, now: SystemTime, counts: bool, until: Option<SystemTime>, jitter: f64) -> Self {
        let wait = if counts { refused_wait(self.failed) } else { silent_wait(self.failed) };
        let next = now + wait.mul_f64(1.0 + JITTER * jitter);
        let next = until.map_or(next, |until| next.max(until.min(now + 2 * LONGEST_REFUSAL)));
        let mut refusals = self.recent(now);
        refusals.extend(counts.then(|| seconds(now)));
        Self { failed: self.failed.saturating_add(1), next: seconds(next), refusals }
    }

    /// Somebody asks for an attempt now: granted unless that could be one too many for the CA.
    pub(super) fn hurry(&self, now: SystemTime) -> Self {
        let refusals = self.recent(now);
        let next = if refusals.len() < REFUSALS_PER_HOUR { self.next.min(seconds(now)) } else { self.next };
        Self { failed: self.failed, next, refusals }
    }

    /// Refusals of the last hour; a clock that was set back makes none of the future count.
    fn recent(&self, now: SystemTime) -> Vec<u64> {
        let (now, hour) = (seconds(now), 3600);
        self.refusals.iter().copied().filter(|at| *at <= now && now - at < hour).take(2 * REFUSALS_PER_HOUR).collect()
    }
}

fn refused_wait(failed_before: u32) -> Duration {
    match failed_before.checked_sub(1) {
        None => FIRST_REFUSAL,
        Some(doublings) => doubled(SECOND_REFUSAL, doublings).min(LONGEST_REFUSAL),
    }
}

fn silent_wait(failed_before: u32) -> Duration {
    doubled(FIRST_SILENCE, failed_before).min(LONGEST_SILENCE)
}

fn doubled(wait: Duration, times: u32) -> Duration {
    wait.saturating_mul(2u32.saturating_pow(times.min(16)))
}

fn seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
    }

    /// When attempts begin that are all refused and never hurried.
    fn refused(count: usize) -> Vec<u64> {
        let (mut attempts, mut now, mut begun) = (Attempts::default(), at(0), Vec::new());
        for _ in 0..count {
            begun.push(seconds(now) - 1_000_000);
            attempts = attempts.after(now, true, None, 0.0);
            now = attempts.next();
        }
        begun
    }

    #[test]
    fn a_ca_that_refuses_is_asked_less_and_less_and_never_five_times_an_hour() {
        assert_eq!(refused(6), [0, 60, 660, 1860, 4260, 9060]);
        let begun = refused(40);
        assert!(begun.windows(5).all(|five| five[4] - five[0] > 3600), "{begun:?}");
        assert_eq!(begun[39] - begun[38], LONGEST_REFUSAL.as_secs());
    }

    #[test]
    fn a_ca_that_is_down_is_found_again_within_the_hour() {
        let mut attempts = Attempts::default();
        let mut waits = Vec::new();
        for _ in 0..12 {
            attempts = attempts.after(at(0), false, None, 0.0);
            waits.push(attempts.next().duration_since(at(0)).expect("later").as_secs());
        }
        assert_eq!(&waits[..4], [15, 30, 60, 120]);
        assert_eq!(waits[11], 3600);
    }

    #[test]
    fn what_the_ca_says_of_its_patience_counts_within_reason() {
        let told = Attempts::default().after(at(0), true, Some(at(7200)), 0.0);
        assert_eq!(told.next(), at(7200));
        let absurd = Attempts::default().after(at(0), true, Some(at(10_000_000)), 0.0);
        assert_eq!(absurd.next(), at(24 * 3600));
        let longer = Attempts::default().after(at(0), true, None, 1.0);
        assert_eq!(longer.next(), at(75));
    }

    #[test]
    fn a_person_may_hurry_as_long_as_the_ca_bears_it() {
        let mut attempts = Attempts::default();
        for minute in 0..4 {
            let now = at(60 * minute);
            attempts = attempts.hurry(now);
            assert!(attempts.next() <= now, "the {minute}th");
            attempts = attempts.after(now, true, None, 0.0);
        }
        assert!(attempts.hurry(at(300)).next() > at(300));
        assert!(attempts.hurry(at(3900)).next() <= at(3900), "an hour later");
    }

    #[test]
    fn an_attempt_whose_end_is_not_known_was_refused() {
        let begun = Attempts::default().begin(at(0), 0.0);
        assert_eq!(begun, Attempts::default().after(at(0), true, None, 0.0));
    }
}
