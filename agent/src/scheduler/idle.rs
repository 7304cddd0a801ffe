//! When nobody uses the proxy: all regions lapse together, and the next request wakes them all.
//!
//! Only users' streams count. Control streams and the question for an exit's address do not.

use std::time::Duration;

use super::time::Timestamp;

/// Between the starts of two regions at most: a user waits for one of them, not for the last.
const LONGEST_GAP: Duration = Duration::from_millis(500);
/// All regions are started within this time where the gap allows, so that even seventeen are up soon.
pub(super) const SPREAD: Duration = Duration::from_secs(5);

/// What changed for all regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdleChange {
    /// End every exit; regions become `lapsed`.
    Lapse,
    /// Start every region, each at its [`stagger`].
    Wake,
}

/// The agent's account of users' streams.
#[derive(Debug, Clone)]
pub struct Idle {
    after: Option<Duration>,
    open: usize,
    last_use: Timestamp,
    lapsed: bool,
}

impl Idle {
    /// Starts awake. `after` is `exits.idle`; `None` means never.
    pub fn new(now: Timestamp, after: Option<Duration>) -> Self {
        Self { after, open: 0, last_use: now, lapsed: false }
    }

    /// A request or `rotate` wants an exit. Wakes the regions if they had lapsed.
    pub fn on_demand(&mut self, now: Timestamp) -> Option<IdleChange> {
        self.last_use = now;
        std::mem::take(&mut self.lapsed).then_some(IdleChange::Wake)
    }

    /// How many users' streams are open now, and whether one was asked for since the last look or still waits for an exit.
    /// Wakes the regions if they had lapsed.
    pub fn follow(&mut self, now: Timestamp, open: usize, wanted: bool) -> Option<IdleChange> {
        if open != self.open {
            self.last_use = now;
        }
        self.open = open;
        wanted.then(|| self.on_demand(now)).flatten()
    }

    /// Looks at the time: `Lapse` exactly once, when none is open and none was for `exits.idle`.
    pub fn check(&mut self, now: Timestamp) -> Option<IdleChange> {
        let due = self.lapse_at().is_some_and(|at| at <= now);
        self.lapsed |= due;
        due.then_some(IdleChange::Lapse)
    }

    /// When to look next, if nothing happens before.
    pub fn lapse_at(&self) -> Option<Timestamp> {
        let counting = !self.lapsed && self.open == 0;
        self.after.filter(|_| counting).map(|after| self.last_use + after)
    }

    /// Whether all regions are to be lapsed.
    pub fn is_lapsed(&self) -> bool {
        self.lapsed
    }
}

/// How long after the first region the one at `index` of `count` starts.
pub fn stagger(index: usize, count: usize) -> Duration {
    let count = u32::try_from(count.max(1)).unwrap_or(u32::MAX);
    let gap = (SPREAD / count).min(LONGEST_GAP);
    gap.saturating_mul(u32::try_from(index).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(900);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn it_lapses_once_after_the_last_stream() {
        let mut idle = Idle::new(at(0), Some(IDLE));
        assert_eq!(idle.follow(at(10), 1, true), None);
        assert_eq!(idle.check(at(5000)), None, "a stream is open");
        assert_eq!(idle.lapse_at(), None);
        idle.follow(at(5000), 0, false);
        assert_eq!(idle.lapse_at(), Some(at(5900)));
        assert_eq!(idle.check(at(5899)), None);
        assert_eq!(idle.check(at(5900)), Some(IdleChange::Lapse));
        assert_eq!(idle.check(at(5901)), None);
        assert!(idle.is_lapsed());
    }

    #[test]
    fn a_stream_that_came_and_went_between_two_looks_counts() {
        let mut idle = Idle::new(at(0), Some(IDLE));
        assert_eq!(idle.follow(at(800), 0, true), None);
        assert_eq!(idle.lapse_at(), Some(at(1700)));
        idle.check(at(1700));
        assert_eq!(idle.follow(at(1800), 0, true), Some(IdleChange::Wake));
    }

    #[test]
    fn demand_wakes_once_and_counts_as_use() {
        let mut idle = Idle::new(at(0), Some(IDLE));
        idle.check(at(900));
        assert_eq!(idle.on_demand(at(1000)), Some(IdleChange::Wake));
        assert_eq!(idle.on_demand(at(1001)), None);
        assert_eq!(idle.lapse_at(), Some(at(1901)));
    }

    #[test]
    fn never_is_never() {
        let mut idle = Idle::new(at(0), None);
        assert_eq!(idle.check(Timestamp::from_millis(u64::MAX)), None);
    }

    #[test]
    fn seventeen_regions_start_apart_and_soon() {
        let offsets: Vec<Duration> = (0..17).map(|index| stagger(index, 17)).collect();
        assert!(offsets.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(offsets[16] < SPREAD);
        assert_eq!(stagger(1, 2), LONGEST_GAP);
        assert_eq!(stagger(0, 0), Duration::ZERO);
    }
}
