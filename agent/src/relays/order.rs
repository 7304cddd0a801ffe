//! Which relay a new tunnel tries first, second and so on. Pure.

use std::cmp::Reverse;
use std::time::Duration;

use tokio::time::Instant;
use tunnel::leg::known::{Knowledge, Outcome};

/// How much nearer another relay must be to take the first place, so that two of like distance do not take turns: this
/// part of the present one's round trip, and no less than this time.
const CLEARLY: (u32, Duration) = (5, Duration::from_millis(5));

/// What counts of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fact {
    /// Nothing speaks against dialling it now.
    pub(super) usable: bool,
    /// Time to it and back.
    pub(super) rtt: Option<Duration>,
}

impl Fact {
    pub(super) fn of(known: &Knowledge, now: Instant) -> Self {
        let is_held = known.not_before.is_some_and(|until| until > now);
        let failed = matches!(known.outcome, Some(Outcome::Failed(_)));
        Self { usable: !failed && !is_held, rtt: known.rtt }
    }

    /// The larger is tried first. What is within few milliseconds is equal.
    fn rank(self) -> (bool, Reverse<u128>) {
        let steps = |rtt: Duration| rtt.as_millis() / CLEARLY.1.as_millis();
        (self.usable, Reverse(self.rtt.map_or(u128::MAX, steps)))
    }

    fn is_clearly_better_than(self, other: Self) -> bool {
        match (self.usable, other.usable, self.rtt, other.rtt) {
            (true, false, ..) => true,
            (true, true, Some(own), Some(its)) => own + (its / CLEARLY.0).max(CLEARLY.1) <= its,
            (true, true, Some(_), None) => true,
            _ => false,
        }
    }
}

/// All places, the best first; `first` keeps its place unless another is clearly better. Equals stay in the order of the
/// configuration.
pub(super) fn order(facts: &[Fact], first: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..facts.len()).collect();
    order.sort_by_key(|place| Reverse(facts[*place].rank()));
    if let (Some(best), Some(present)) = (order.first(), facts.get(first))
        && !facts[*best].is_clearly_better_than(*present)
    {
        order.retain(|place| *place != first);
        order.insert(0, first);
    }
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fact(usable: bool, ms: Option<u64>) -> Fact {
        Fact { usable, rtt: ms.map(Duration::from_millis) }
    }

    #[test]
    fn the_nearest_that_answers_comes_first_and_what_is_down_last() {
        let facts = [fact(true, Some(90)), fact(false, Some(5)), fact(true, Some(20)), fact(true, None)];
        assert_eq!(order(&facts, 0), [2, 0, 3, 1]);
        assert_eq!(order(&[fact(true, Some(3)), fact(true, Some(1)), fact(true, Some(0))], 0), [0, 1, 2], "noise");
        assert_eq!(order(&[fact(true, None); 3], 0), [0, 1, 2], "nothing known: as configured");
        assert_eq!(order(&[fact(false, None); 3], 2), [2, 0, 1], "all down: where it was");
    }

    #[test]
    fn the_present_one_stays_first_unless_another_is_clearly_nearer() {
        let near = |ms| [fact(true, Some(ms)), fact(true, Some(100))];
        assert_eq!(order(&near(85), 1)[0], 1);
        assert_eq!(order(&near(80), 1)[0], 0);
        let close = |ms| [fact(true, Some(ms)), fact(true, Some(8))];
        assert_eq!(order(&close(4), 1)[0], 1, "few milliseconds are noise");
        assert_eq!(order(&close(3), 1)[0], 0);
        assert_eq!(order(&[fact(true, Some(100)), fact(false, Some(8))], 1)[0], 0, "it is down");
    }

    proptest! {
        #[test]
        fn nobody_is_left_out(
            facts in proptest::collection::vec((any::<bool>(), proptest::option::of(0u64..300)), 1..17),
            first in 0usize..17
        ) {
            let facts: Vec<Fact> = facts.into_iter().map(|(usable, ms)| fact(usable, ms)).collect();
            let mut places = order(&facts, first);
            places.sort_unstable();
            prop_assert_eq!(places, (0..facts.len()).collect::<Vec<_>>());
        }
    }
}
