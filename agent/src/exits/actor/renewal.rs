//! When a renewal invokes, waits, tries again or gives up. Pure: it takes the time and what happened, and says what to do.
//!
//! ```text
//!   Asked ──answering──▶ Answering ──answer, or 1 s──▶ Resting ──leg stands──▶ Invoked ──hello──▶ renewed
//!     └──────────────── the answer ────────────────────▲    ▲                     │
//!                                                           └─ went astray, twice ─┘
//!   any of these ──grace over──▶ failed        Invoked ──went astray the third time, or no sign──▶ failed
//! ```

use std::time::Duration;

use tokio::time::Instant;

/// How long the answer may follow `answering`: it travels through the cloud, which cannot reuse the instance before.
const ANSWER_WAIT: Duration = Duration::from_secs(1);
/// How often the function is invoked for one renewal.
const TRIES: u32 = 3;
/// Between two tries: whoever took the last one has settled by then, and all tries fit into the shortest grace.
const PAUSE: Duration = Duration::from_secs(1);
/// How long an invocation may go without a sign: Lambda's init may take 10 s where it starts another instance.
const SIGN_WAIT: Duration = Duration::from_secs(30);

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// Invoke the function.
    Invoke,
    /// Give up, for this cause.
    Fail(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// `renew` was said.
    Asked,
    /// The function said `answering`.
    Answering { until: Instant },
    /// The function was answered; the next try comes then.
    Resting { until: Instant },
    /// An invocation is on its way.
    Invoked { until: Instant },
}

/// One renewal, from its order to its end.
#[derive(Debug)]
pub(super) struct Renewal {
    phase: Phase,
    tries: u32,
    give_up: Instant,
    cause: Option<String>,
}

impl Renewal {
    /// A renewal that may take `grace`. `kept`: the function was answered before, so that nothing needs to be said to it.
    pub(super) fn begin(now: Instant, grace: Duration, kept: bool) -> Self {
        let phase = if kept { Phase::Resting { until: now } } else { Phase::Asked };
        Self { phase, tries: 0, give_up: now + grace, cause: None }
    }

    /// The function said `answering`.
    pub(super) fn answering(&mut self, now: Instant) {
        if self.phase == Phase::Asked {
            self.phase = Phase::Answering { until: now + ANSWER_WAIT };
        }
    }

    /// The function's invocation was answered, and it keeps the tunnel.
    pub(super) fn kept(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Asked | Phase::Answering { .. }) {
            self.phase = Phase::Resting { until: now };
        }
    }

    /// This process did not run for so long: none of it counts.
    pub(super) fn credit(&mut self, missed: Duration) {
        self.give_up += missed;
        match &mut self.phase {
            Phase::Asked => {}
            Phase::Answering { until } | Phase::Resting { until } | Phase::Invoked { until } => *until += missed,
        }
    }

    /// Whether an invocation of this renewal may still lead to it.
    pub(super) fn is_invoked(&self) -> bool {
        matches!(self.phase, Phase::Invoked { .. })
    }

    /// Whether the function serves its old invocation on, as far as is known.
    pub(super) fn is_asked(&self) -> bool {
        self.phase == Phase::Asked
    }

    /// The invocation did not reach the instance.
    pub(super) fn went_astray(&mut self, now: Instant, cause: &str) -> Option<Act> {
        if !self.is_invoked() {
            return None;
        }
        if self.tries >= TRIES {
            return Some(Act::Fail(cause.to_owned()));
        }
        self.cause = Some(cause.to_owned());
        self.phase = Phase::Resting { until: now + PAUSE };
        None
    }

    /// When [`Renewal::tick`] has something to do. A leg that does not stand yet announces itself.
    pub(super) fn wake_at(&self, leg_stands: bool) -> Instant {
        match self.phase {
            Phase::Answering { until } | Phase::Resting { until } if leg_stands => until.min(self.give_up),
            Phase::Asked | Phase::Answering { .. } | Phase::Resting { .. } => self.give_up,
            Phase::Invoked { until } => until.min(self.give_up),
        }
    }

    /// Time has passed, or the leg of the next invitation stands.
    pub(super) fn tick(&mut self, now: Instant, leg_stands: bool) -> Option<Act> {
        if now < self.wake_at(leg_stands) {
            return None;
        }
        match self.phase {
            Phase::Answering { .. } | Phase::Resting { .. } if now < self.give_up => {
                self.tries += 1;
                self.phase = Phase::Invoked { until: now + SIGN_WAIT };
                Some(Act::Invoke)
            }
            _ => Some(Act::Fail(self.verdict(leg_stands))),
        }
    }

    fn verdict(&self, leg_stands: bool) -> String {
        let plain = match self.phase {
            Phase::Asked => "the function did not answer in time",
            Phase::Invoked { .. } => "the instance gave no sign after it was invoked again",
            _ if leg_stands => "exits.grace was over",
            _ => "no relay could be reached in time",
        };
        self.cause.clone().unwrap_or_else(|| plain.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const S: Duration = Duration::from_secs(1);

    /// A renewal whose function was answered at once, and which has just invoked.
    fn invoked(now: Instant) -> Renewal {
        let mut renewal = Renewal::begin(now, 90 * S, false);
        renewal.answering(now);
        renewal.kept(now);
        assert_eq!(renewal.tick(now, true), Some(Act::Invoke));
        renewal
    }

    #[test]
    fn the_invocation_follows_the_answer_at_once() {
        let now = Instant::now();
        let mut renewal = Renewal::begin(now, 90 * S, false);
        assert_eq!((renewal.tick(now, true), renewal.wake_at(true)), (None, now + 90 * S));
        renewal.answering(now);
        assert_eq!(renewal.tick(now, true), None, "the instance is not free before its answer");
        renewal.kept(now);
        assert_eq!(renewal.tick(now, true), Some(Act::Invoke));
        assert!(renewal.is_invoked());
    }

    #[test]
    fn a_lost_answer_delays_it_by_a_second() {
        let now = Instant::now();
        let mut renewal = Renewal::begin(now, 90 * S, false);
        renewal.answering(now);
        assert_eq!(renewal.wake_at(true), now + ANSWER_WAIT);
        assert_eq!(renewal.tick(now + ANSWER_WAIT, true), Some(Act::Invoke));
    }

    #[test]
    fn a_function_that_was_answered_before_needs_no_word() {
        let now = Instant::now();
        assert_eq!(Renewal::begin(now, 90 * S, true).tick(now, true), Some(Act::Invoke));
    }

    #[test]
    fn nothing_is_invoked_before_the_leg_stands() {
        let now = Instant::now();
        let mut renewal = Renewal::begin(now, 90 * S, true);
        assert_eq!(renewal.tick(now + 50 * S, false), None);
        assert_eq!(renewal.tick(now + 50 * S, true), Some(Act::Invoke));
        let mut renewal = Renewal::begin(now, 90 * S, true);
        assert_eq!(renewal.tick(now + 90 * S, false), Some(Act::Fail("no relay could be reached in time".into())));
    }

    #[test]
    fn the_third_try_that_goes_astray_is_the_last() {
        let now = Instant::now();
        let mut renewal = invoked(now);
        for again in 1..TRIES {
            assert_eq!(renewal.went_astray(now, "busy"), None);
            assert_eq!(renewal.went_astray(now, "twice told"), None);
            assert_eq!(renewal.tick(now, true), None, "try {again} has its pause");
            assert_eq!(renewal.tick(now + PAUSE, true), Some(Act::Invoke));
        }
        assert_eq!(renewal.went_astray(now, "throttled"), Some(Act::Fail("throttled".into())));
    }

    #[test]
    fn an_invocation_without_a_sign_is_not_repeated() {
        let now = Instant::now();
        let mut renewal = invoked(now);
        assert_eq!(renewal.tick(now + SIGN_WAIT - S, true), None);
        assert!(matches!(renewal.tick(now + SIGN_WAIT, true), Some(Act::Fail(_))));
    }

    #[test]
    fn a_sleep_takes_nothing_of_grace_or_of_the_wait_for_a_sign() {
        let now = Instant::now();
        let mut renewal = invoked(now);
        renewal.credit(600 * S);
        assert_eq!(renewal.tick(now + 600 * S + SIGN_WAIT - S, true), None);
        assert!(matches!(renewal.tick(now + 600 * S + SIGN_WAIT, true), Some(Act::Fail(_))));
        let mut renewal = Renewal::begin(now, 90 * S, false);
        renewal.credit(600 * S);
        assert_eq!(renewal.wake_at(true), now + 690 * S);
    }

    #[test]
    fn the_last_cause_is_told_when_grace_is_over() {
        let now = Instant::now();
        let mut renewal = invoked(now);
        renewal.went_astray(now + 89 * S + S / 2, "busy");
        assert_eq!(renewal.wake_at(true), now + 90 * S);
        assert_eq!(renewal.tick(now + 90 * S, true), Some(Act::Fail("busy".into())));
    }

    proptest! {
        /// 0 tick, 1 answering, 2 kept, 3 astray.
        #[test]
        fn whatever_happens_it_invokes_three_times_at_most_and_ends_within_grace(
            events in proptest::collection::vec((0u8..4, 0u64..4_000, any::<bool>()), 0..60)
        ) {
            let begun = Instant::now();
            let mut renewal = Renewal::begin(begun, 20 * S, false);
            let (mut now, mut invocations) = (begun, 0);
            let late = std::iter::repeat_n((0, 1_000, true), 30);
            let mut failed = false;
            for (event, step, leg) in events.into_iter().chain(late) {
                now = (now + Duration::from_millis(step)).min(renewal.wake_at(true).max(now));
                let act = match event {
                    0 => renewal.tick(now, leg),
                    1 => { renewal.answering(now); None }
                    2 => { renewal.kept(now); None }
                    _ => renewal.went_astray(now, "astray"),
                };
                match act {
                    Some(Act::Invoke) => invocations += 1,
                    Some(Act::Fail(_)) => { failed = true; break; }
                    None => {}
                }
            }
            prop_assert!(failed && invocations <= TRIES && now <= begun + 20 * S);
        }
    }
}
