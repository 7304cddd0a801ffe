//! What a process knows of a relay: shared by every dial to it, so that one link's experience serves the others.
//!
//! Never: it decides nothing. Which relay is dialled, and when, is the link's and its owner's to say.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::dial::DialError;

/// The longest that a relay may ask not to be dialled again: it must not be able to lock an end out for hours.
const LONGEST_HOLD: Duration = Duration::from_secs(300);

/// How the last dial or question ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It answered as a relay does.
    Stood,
    /// It did not.
    Failed(Trouble),
}

/// What is wrong with a relay, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// A stable name of its kind.
    pub code: &'static str,
    /// The cause.
    pub text: String,
    /// The mend.
    pub hint: &'static str,
    /// It is the trouble of a proxy in the way, whichever relay is behind it.
    pub of_proxy: bool,
    /// The relay answers, and refuses this very end: that it is well does not mend it.
    pub of_us: bool,
}

/// One relay, as it is known at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Knowledge {
    /// The last outcome; nothing before the first.
    pub outcome: Option<Outcome>,
    /// Time to it and back, when it was last measured.
    pub rtt: Option<Duration>,
    /// It asked not to be dialled before.
    pub not_before: Option<Instant>,
}

/// A relay, as it is known. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Known(Arc<watch::Sender<Knowledge>>);

impl Known {
    /// What is known now.
    pub fn now(&self) -> Knowledge {
        self.0.borrow().clone()
    }

    /// Follows what is known.
    pub fn watch(&self) -> watch::Receiver<Knowledge> {
        self.0.subscribe()
    }

    /// Whether it still asks to be left alone.
    pub fn is_held(&self, now: Instant) -> bool {
        !self.hold(now).is_zero()
    }

    /// How long it still asks to be left alone.
    pub(crate) fn hold(&self, now: Instant) -> Duration {
        self.0.borrow().not_before.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    /// A leg stands.
    pub(crate) fn note_stood(&self) {
        self.change(|known| (known.outcome, known.not_before) = (Some(Outcome::Stood), None));
    }

    /// The relay said that it is well. That takes back no refusal of a leg.
    pub(crate) fn note_well(&self, now: Instant) {
        let refuses_us = matches!(&self.0.borrow().outcome, Some(Outcome::Failed(trouble)) if trouble.of_us);
        if !refuses_us && !self.is_held(now) {
            self.note_stood();
        }
    }

    /// A dial failed. Answers about a tunnel alone say nothing against the relay.
    pub(crate) fn note_failed(&self, error: &DialError, now: Instant) {
        let outcome = if error.is_about_the_tunnel() { Outcome::Stood } else { Outcome::Failed(error.trouble()) };
        let asked = error.retry_after().map(|pause| now + pause.min(LONGEST_HOLD));
        self.change(|known| {
            known.outcome = Some(outcome);
            // A dial that was under way when another was told to wait knows nothing of that.
            known.not_before = asked.max(known.not_before.filter(|until| *until > now));
        });
    }

    /// The way there and back took this long.
    pub(crate) fn note_rtt(&self, rtt: Duration) {
        self.change(|known| known.rtt = Some(rtt));
    }

    fn change(&self, change: impl FnOnce(&mut Knowledge)) {
        self.0.send_if_modified(|known| {
            let before = known.clone();
            change(known);
            *known != before
        });
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn refused(status: u16, retry_after: Option<Duration>) -> DialError {
        DialError::Refused { status: StatusCode::from_u16(status).expect("status"), retry_after, reason: String::new() }
    }

    #[test]
    fn a_relay_is_left_alone_for_as_long_as_it_asks_within_bounds() {
        let (known, now) = (Known::default(), Instant::now());
        let shared = known.clone();
        known.note_failed(&refused(429, Some(Duration::from_secs(7))), now);
        assert_eq!(shared.hold(now), Duration::from_secs(7));
        assert_eq!(shared.hold(now + Duration::from_secs(7)), Duration::ZERO);
        known.note_failed(&refused(503, Some(Duration::from_secs(86_400))), now);
        assert_eq!(shared.hold(now), LONGEST_HOLD);
        for late in [refused(503, None), refused(410, None), refused(429, Some(Duration::from_secs(1)))] {
            known.note_failed(&late, now);
            assert_eq!(shared.hold(now), LONGEST_HOLD, "{late:?}");
        }
        known.note_stood();
        assert_eq!(shared.hold(now), Duration::ZERO);
    }

    #[test]
    fn a_relay_that_is_well_may_still_refuse_us() {
        let (known, now) = (Known::default(), Instant::now());
        let failed = || matches!(known.now().outcome, Some(Outcome::Failed(_)));
        known.note_failed(&refused(401, None), now);
        known.note_well(now);
        assert!(failed(), "the token is still wrong");
        known.note_stood();
        known.note_failed(&DialError::Timeout, now);
        known.note_well(now);
        assert!(!failed(), "it came back");
        known.note_failed(&refused(429, Some(Duration::from_secs(7))), now);
        known.note_well(now);
        assert!(failed(), "its limit stands");
    }

    #[test]
    fn an_answer_about_a_tunnel_says_that_the_relay_is_well() {
        let (known, now) = (Known::default(), Instant::now());
        for status in [404, 409, 410] {
            known.note_failed(&refused(status, None), now);
            assert_eq!(known.now().outcome, Some(Outcome::Stood), "{status}");
        }
        for status in [400, 401, 426, 429, 503, 502] {
            known.note_failed(&refused(status, None), now);
            assert!(matches!(known.now().outcome, Some(Outcome::Failed(_))), "{status}");
        }
    }
}
