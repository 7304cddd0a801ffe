//! Whether a leg lives, judged by when it was last heard, not counting time in which nobody listened.

use tokio::time::Instant;
use tunnel::limits::LEG_SILENCE;

/// The silence of one leg.
#[derive(Debug)]
pub(super) struct Life {
    heard: Instant,
    deaf_since: Option<Instant>,
}

impl Life {
    /// A leg that was heard just now.
    pub(super) fn new(now: Instant) -> Self {
        Self { heard: now, deaf_since: None }
    }

    /// Bytes came at `at`.
    pub(super) fn heard(&mut self, at: Instant) {
        self.heard = self.heard.max(at);
    }

    /// The relay stops reading the leg.
    pub(super) fn stop_listening(&mut self, now: Instant) {
        self.deaf_since.get_or_insert(now);
    }

    /// The relay reads the leg (again).
    pub(super) fn listen(&mut self, now: impl FnOnce() -> Instant) {
        if let Some(since) = self.deaf_since.take() {
            self.heard += now().saturating_duration_since(since);
        }
    }

    /// When the leg is dead if nothing comes; `None` while nobody listens.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deaf_since.is_none().then(|| self.heard + LEG_SILENCE)
    }

    /// Whether the leg is dead.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_leg_is_dead_after_ten_seconds_of_silence() {
        let start = Instant::now();
        let mut life = Life::new(start);
        assert!(!life.is_over(start + LEG_SILENCE - SECOND));
        assert!(life.is_over(start + LEG_SILENCE));
        life.heard(start + SECOND);
        assert!(!life.is_over(start + LEG_SILENCE));
        life.heard(start);
        assert_eq!(life.deadline(), Some(start + SECOND + LEG_SILENCE));
    }

    #[test]
    fn time_in_which_nobody_listened_does_not_count() {
        let start = Instant::now();
        let mut life = Life::new(start);
        life.stop_listening(start + SECOND * 3);
        life.stop_listening(start + SECOND * 50);
        assert!(!life.is_over(start + SECOND * 99));
        life.listen(|| start + SECOND * 100);
        assert_eq!(life.deadline(), Some(start + SECOND * 97 + LEG_SILENCE));
        life.listen(|| start + SECOND * 200);
        assert_eq!(life.deadline(), Some(start + SECOND * 97 + LEG_SILENCE));
    }
}
