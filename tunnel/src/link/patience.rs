//! How long a link waits for its peer: grace, with time not run left out. Pure.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::limits::FREEZE;

/// Accounts for time unpaired.
#[derive(Debug)]
pub(super) struct Patience {
    grace: Duration,
    /// In place of grace, until a leg has stood.
    first: Option<Duration>,
    unpaired_since: Option<Instant>,
    last_tick: (Instant, SystemTime),
    dialled_since_wake: bool,
}

impl Patience {
    pub(super) fn new(grace: Duration, now: Instant, wall: SystemTime) -> Self {
        Self { grace, first: None, unpaired_since: Some(now), last_tick: (now, wall), dialled_since_wake: false }
    }

    /// The same, with less until a leg has stood.
    pub(super) fn until_first_leg(self, limit: Duration) -> Self {
        Self { first: Some(limit.min(self.grace)), ..self }
    }

    /// A leg stands.
    pub(super) fn reached(&mut self) {
        self.first = None;
    }

    /// Whether no leg has stood, of an end that waits less for its first.
    pub(super) fn awaits_first_leg(&self) -> bool {
        self.first.is_some()
    }

    /// To be called often; says whether this process or machine did not run since the last call.
    /// The monotonic clock of some systems stands still in a sleep, so both clocks are asked; only time that the
    /// monotonic one counted needs to be credited.
    pub(super) fn tick(&mut self, now: Instant, wall: SystemTime) -> bool {
        let (then, wall_then) = std::mem::replace(&mut self.last_tick, (now, wall));
        let gap = now - then;
        let wall_gap = wall.duration_since(wall_then).unwrap_or_default();
        if gap.max(wall_gap) <= FREEZE {
            return false;
        }
        self.unpaired_since = self.unpaired_since.map(|since| since + gap);
        self.dialled_since_wake = false;
        true
    }

    /// Both ends stand. Returns how long they did not.
    pub(super) fn paired(&mut self, now: Instant) -> Option<Duration> {
        self.unpaired_since.take().map(|since| now.saturating_duration_since(since))
    }

    pub(super) fn unpaired(&mut self, now: Instant) {
        self.unpaired_since.get_or_insert(now);
    }

    pub(super) fn unpaired_for(&self, now: Instant) -> Duration {
        self.unpaired_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// A dial was tried to its end.
    pub(super) fn dialled(&mut self) {
        self.dialled_since_wake = true;
    }

    /// Whether the link is to be given up; never before a dial was tried after waking.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.dialled_since_wake && self.unpaired_for(now) >= self.first.unwrap_or(self.grace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn grace_runs_out_only_while_unpaired_and_after_a_dial() {
        let (t, wall) = (Instant::now(), SystemTime::now());
        let mut patience = Patience::new(90 * S, t, wall);
        assert!(!patience.is_over(t + 91 * S), "nothing was dialled");
        patience.dialled();
        assert!(!patience.is_over(t + 89 * S));
        assert!(patience.is_over(t + 90 * S));
        assert_eq!(patience.paired(t + 90 * S), Some(90 * S));
        assert!(!patience.is_over(t + 500 * S));
        patience.unpaired(t + 500 * S);
        patience.unpaired(t + 550 * S);
        assert!(patience.is_over(t + 590 * S));
    }

    #[test]
    fn a_first_leg_is_waited_for_less_long() {
        let (t, wall) = (Instant::now(), SystemTime::now());
        let mut patience = Patience::new(90 * S, t, wall).until_first_leg(15 * S);
        patience.dialled();
        assert!(!patience.is_over(t + 14 * S) && patience.is_over(t + 15 * S) && patience.awaits_first_leg());
        patience.reached();
        assert!(!patience.is_over(t + 89 * S) && patience.is_over(t + 90 * S) && !patience.awaits_first_leg());
        let mut short = Patience::new(5 * S, t, wall).until_first_leg(15 * S);
        short.dialled();
        assert!(short.is_over(t + 5 * S), "never longer than grace");
    }

    #[test]
    fn time_not_run_is_credited_and_a_dial_comes_first() {
        let (t, wall) = (Instant::now(), SystemTime::now());
        let mut patience = Patience::new(90 * S, t, wall);
        patience.dialled();
        assert!(!patience.tick(t + S, wall + S));
        assert!(patience.tick(t + 301 * S, wall + 301 * S));
        assert_eq!(patience.unpaired_for(t + 301 * S), S);
        assert!(!patience.is_over(t + 500 * S), "no dial since waking");
        patience.dialled();
        assert!(!patience.is_over(t + 389 * S));
        assert!(patience.is_over(t + 390 * S));
    }

    #[test]
    fn a_sleep_that_only_the_wall_clock_saw_wakes_too() {
        let (t, wall) = (Instant::now(), SystemTime::now());
        let mut patience = Patience::new(90 * S, t, wall);
        assert!(patience.tick(t + S, wall + 600 * S));
        assert_eq!(patience.unpaired_for(t + 2 * S), S);
        assert!(!patience.tick(t + 2 * S, wall), "a clock set back is no sleep");
    }
}
