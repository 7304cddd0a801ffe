//! Whether exits were full of late: refused connections leave no other trace than a number.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tunnel::limits::STREAMS_PER_EXIT;

use crate::health::{Problem, Severity};

/// For how long `status` tells of it: as long as one looks at a burst.
const TOLD_FOR: Duration = Duration::from_secs(60);
/// The problem's code.
const CODE: &str = "exit_full";
/// The mend.
const HINT: &str = "use more regions, or connections that end sooner";

/// When a connection was last refused because of it.
#[derive(Debug, Default)]
pub(super) struct Fullness(Mutex<Option<Instant>>);

impl Fullness {
    /// A connection is refused; the first of a burst is told in the log.
    pub(super) fn hit(&self, now: Instant) {
        if self.note(now) {
            tracing::warn!(code = CODE, hint = HINT, "{}", text());
        }
    }

    /// Whether this is the first of a burst.
    fn note(&self, now: Instant) -> bool {
        !lasts(self.lock().replace(now), now)
    }

    /// What `status` says of it.
    pub(super) fn problem(&self, now: Instant) -> Option<Problem> {
        lasts(*self.lock(), now).then(|| Problem {
            code: CODE.to_owned(),
            severity: Severity::Warning,
            region: None,
            phase: None,
            text: text(),
            hint: Some(HINT.to_owned()),
        })
    }

    /// The lock guards one value, which is whole at any time.
    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lasts(last: Option<Instant>, now: Instant) -> bool {
    last.is_some_and(|last| now.saturating_duration_since(last) < TOLD_FOR)
}

fn text() -> String {
    format!("connections were refused because the exits were full; each carries {STREAMS_PER_EXIT} at a time")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_told_once_and_for_a_minute_after_its_last() {
        let (fullness, begin) = (Fullness::default(), Instant::now());
        assert_eq!(fullness.problem(begin), None);
        assert!(fullness.note(begin) && !fullness.note(begin + TOLD_FOR / 2));
        let problem = fullness.problem(begin + TOLD_FOR).expect("a problem");
        assert_eq!((problem.code.as_str(), problem.severity), ("exit_full", Severity::Warning));
        assert!(problem.text.contains("400 at a time") && problem.hint.is_some_and(|hint| hint.contains("more regions")));
        assert_eq!(fullness.problem(begin + TOLD_FOR * 2), None);
        assert!(fullness.note(begin + TOLD_FOR * 2), "another burst");
    }
}
