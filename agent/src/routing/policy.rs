//! Which region a request goes to, of those that have an exit for it.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::str::FromStr;
use std::time::Duration;

use tunnel::destination::Host;

/// How requests are spread over regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// Each region in its turn.
    #[default]
    RoundRobin,
    /// Any region.
    Random,
    /// The region with the shortest round trip through its tunnel.
    LowestLatency,
    /// Always the same region for the same host, as long as that region has an exit.
    StickyHost,
}

/// A text that names no policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a policy; write round-robin, random, lowest-latency or sticky-host")]
pub struct BadPolicy;

/// What the choice knows of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegionView<'a> {
    /// Its name.
    pub name: &'a str,
    /// Round trip of the exit that would be taken, if measured.
    pub rtt: Option<Duration>,
}

impl Policy {
    /// The place in `regions` of the one to take; `None` if there is none. `turn` counts requests, `draw` is random.
    pub fn choose(self, regions: &[RegionView<'_>], host: &Host, turn: u64, draw: u64) -> Option<usize> {
        let count = u64::try_from(regions.len()).ok().filter(|count| *count > 0)?;
        match self {
            Self::RoundRobin => usize::try_from(turn % count).ok(),
            Self::Random => usize::try_from(draw % count).ok(),
            Self::LowestLatency => place_of_least(regions, |region| region.rtt.unwrap_or(Duration::MAX)),
            Self::StickyHost => place_of_least(regions, |region| affinity(host, region.name)),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RoundRobin => "round-robin",
            Self::Random => "random",
            Self::LowestLatency => "lowest-latency",
            Self::StickyHost => "sticky-host",
        })
    }
}

impl FromStr for Policy {
    type Err = BadPolicy;

    fn from_str(text: &str) -> Result<Self, BadPolicy> {
        match text {
            "round-robin" => Ok(Self::RoundRobin),
            "random" => Ok(Self::Random),
            "lowest-latency" => Ok(Self::LowestLatency),
            "sticky-host" => Ok(Self::StickyHost),
            _ => Err(BadPolicy),
        }
    }
}

fn place_of_least<'a, K: Ord>(regions: &[RegionView<'a>], key: impl Fn(&RegionView<'a>) -> K) -> Option<usize> {
    (0..regions.len()).min_by_key(|place| key(&regions[*place]))
}

/// Rendezvous hashing: a region that comes or goes moves only the hosts that are its own.
fn affinity(host: &Host, region: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (host, region).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(name: &str, ms: Option<u64>) -> RegionView<'_> {
        RegionView { name, rtt: ms.map(Duration::from_millis) }
    }

    fn host(text: &str) -> Host {
        text.parse().expect("host")
    }

    #[test]
    fn each_policy_keeps_its_promise() {
        let regions = [view("a", Some(30)), view("b", None), view("c", Some(20))];
        let turns: Vec<_> = (0..4).filter_map(|turn| Policy::RoundRobin.choose(&regions, &host("x"), turn, 0)).collect();
        assert_eq!(turns, [0, 1, 2, 0]);
        assert_eq!(Policy::Random.choose(&regions, &host("x"), 0, 5), Some(2));
        assert_eq!(Policy::LowestLatency.choose(&regions, &host("x"), 9, 9), Some(2), "an unmeasured one is never the nearest");
        assert_eq!(Policy::RoundRobin.choose(&[], &host("x"), 0, 0), None);
    }

    #[test]
    fn a_host_stays_with_its_region_when_another_goes() {
        let all = [view("a", None), view("b", None), view("c", None)];
        let chosen = |regions: &[RegionView<'_>], name: &str| {
            Policy::StickyHost
                .choose(regions, &host(name), fastrand::u64(..), fastrand::u64(..))
                .map(|at| regions[at].name.to_owned())
        };
        let mut seen = std::collections::HashSet::new();
        for number in 0..50 {
            let name = format!("site{number}.example");
            let before = chosen(&all, &name);
            seen.insert(before.clone());
            if before.as_deref() != Some("c") {
                assert_eq!(chosen(&all[..2], &name), before);
            }
        }
        assert_eq!(seen.len(), 3, "fifty hosts use every region");
    }

    #[test]
    fn policies_are_named_as_in_the_file() {
        assert_eq!("sticky-host".parse(), Ok(Policy::StickyHost));
        assert_eq!("".parse::<Policy>(), Err(BadPolicy));
    }
}
