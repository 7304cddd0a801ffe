//! Which exit takes a stream: first the region by policy, then the newest exit in it. Pure.

use std::time::Duration;

use tunnel::destination::Host;

use crate::routing::{Policy, RegionView};

/// How long an exit may be unpaired and still get new streams while a paired one exists: most legs are back by then.
pub const UNPAIRED_PATIENCE: Duration = Duration::from_secs(1);

/// An active exit, as the choice sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    /// Its region.
    pub region: &'a str,
    /// Larger is newer.
    pub serial: u64,
    /// How long its tunnel has been unpaired; `None` if it is paired.
    pub unpaired_for: Option<Duration>,
    /// It carries as many streams as an exit may.
    pub is_full: bool,
    /// Round trip through its tunnel, if measured.
    pub rtt: Option<Duration>,
}

impl Candidate<'_> {
    /// Whether it has been unpaired for longer than a blink.
    pub(super) fn is_unpaired_for_long(&self) -> bool {
        self.unpaired_for.is_some_and(|time| time >= UNPAIRED_PATIENCE)
    }
}

/// What is asked of the choice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'a> {
    /// Only this region, if a rule says so.
    pub region: Option<&'a str>,
    /// The host to reach.
    pub host: &'a Host,
    /// Counts requests.
    pub turn: u64,
    /// A random number.
    pub draw: u64,
}

/// The place of the exit to take. An unpaired or full one is taken only when all are.
pub(super) fn choose(policy: Policy, candidates: &[Candidate<'_>], wish: &Wish<'_>) -> Option<usize> {
    let mut places: Vec<usize> =
        (0..candidates.len()).filter(|at| wish.region.is_none_or(|region| region == candidates[*at].region)).collect();
    prefer(&mut places, |at| !candidates[at].is_unpaired_for_long());
    prefer(&mut places, |at| !candidates[at].is_full);
    let newest = newest_of_each_region(candidates, places);
    let views: Vec<_> = newest.iter().map(|at| RegionView { name: candidates[*at].region, rtt: candidates[*at].rtt }).collect();
    policy.choose(&views, wish.host, wish.turn, wish.draw).map(|at| newest[at])
}

/// Keeps what is good, unless nothing is.
fn prefer(places: &mut Vec<usize>, is_good: impl Fn(usize) -> bool) {
    if places.iter().any(|at| is_good(*at)) {
        places.retain(|at| is_good(*at));
    }
}

/// In the order of the regions' names, so that a turn means the same region each time.
fn newest_of_each_region(candidates: &[Candidate<'_>], mut places: Vec<usize>) -> Vec<usize> {
    places.sort_by_key(|at| (candidates[*at].region, std::cmp::Reverse(candidates[*at].serial)));
    places.dedup_by_key(|at| candidates[*at].region);
    places
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exit(region: &str, serial: u64) -> Candidate<'_> {
        Candidate { region, serial, unpaired_for: None, is_full: false, rtt: None }
    }

    fn unpaired(candidate: Candidate<'_>, ms: u64) -> Candidate<'_> {
        Candidate { unpaired_for: Some(Duration::from_millis(ms)), ..candidate }
    }

    fn serial(candidates: &[Candidate<'_>], region: Option<&str>, turn: u64) -> Option<u64> {
        let host = Host::Name("example.com".into());
        let wish = Wish { region, host: &host, turn, draw: 0 };
        choose(Policy::RoundRobin, candidates, &wish).map(|at| candidates[at].serial)
    }

    #[test]
    fn regions_take_turns_and_the_newest_exit_of_each_is_taken() {
        let exits = [exit("b", 1), exit("a", 2), exit("b", 3), exit("a", 0)];
        assert_eq!([0, 1, 2].map(|turn| serial(&exits, None, turn)), [Some(2), Some(3), Some(2)]);
        assert_eq!(serial(&exits, Some("b"), 0), Some(3));
        assert_eq!(serial(&exits, Some("c"), 0), None);
        assert_eq!(serial(&[], None, 0), None);
    }

    #[test]
    fn an_exit_unpaired_for_a_second_is_passed_over_while_a_paired_one_exists() {
        let blink = [exit("a", 1), unpaired(exit("a", 2), 999)];
        assert_eq!(serial(&blink, None, 0), Some(2));
        let lost = [exit("a", 1), unpaired(exit("a", 2), 1000)];
        assert_eq!(serial(&lost, None, 0), Some(1));
        let elsewhere = [exit("b", 1), unpaired(exit("a", 2), 1000)];
        assert_eq!([0, 1].map(|turn| serial(&elsewhere, None, turn)), [Some(1), Some(1)]);
        assert_eq!(serial(&elsewhere, Some("a"), 0), Some(2), "a rule leaves no other");
        assert_eq!(serial(&lost[1..], None, 0), Some(2));
    }

    #[test]
    fn a_full_exit_is_passed_over_while_another_has_room() {
        let full = Candidate { is_full: true, ..exit("a", 2) };
        assert_eq!(serial(&[exit("a", 1), full], None, 0), Some(1));
        assert_eq!(serial(&[full], None, 0), Some(2), "the exit itself refuses");
    }

    proptest! {
        #[test]
        fn some_exit_is_taken_whenever_one_is_allowed(
            exits in proptest::collection::vec((0..3u8, any::<bool>(), 0..2000u64, any::<bool>()), 0..8),
            turn: u64, draw: u64, policy in 0..4usize,
        ) {
            let names = ["a", "b", "c"];
            let candidates: Vec<_> = exits.iter().zip(0..).map(|((region, paired, ms, is_full), serial)| Candidate {
                region: names[usize::from(*region)],
                serial,
                unpaired_for: (!paired).then(|| Duration::from_millis(*ms)),
                is_full: *is_full,
                rtt: None,
            }).collect();
            let policy = [Policy::RoundRobin, Policy::Random, Policy::LowestLatency, Policy::StickyHost][policy];
            let host = Host::Name("example.com".into());
            for region in [None, Some("b")] {
                let taken = choose(policy, &candidates, &Wish { region, host: &host, turn, draw });
                let allowed = |it: &Candidate<'_>| region.is_none_or(|name| name == it.region);
                prop_assert_eq!(taken.is_some(), candidates.iter().any(allowed));
                if let Some(at) = taken {
                    prop_assert!(allowed(&candidates[at]));
                    let any_good = candidates.iter().any(|it| allowed(it) && !it.is_unpaired_for_long());
                    prop_assert!(!any_good || !candidates[at].is_unpaired_for_long());
                }
            }
        }
    }
}
