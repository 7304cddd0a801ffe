//! The bytes a second that all legs of one agent share, if the relay sets a rate.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::bucket::{Bucket, Rate};
use crate::agents::AgentName;

/// The least that passes at once, bytes: below it each read would wait.
const LEAST_BURST: f64 = 64.0 * 1024.0;

/// The allowances of agents that have a leg.
pub(crate) struct Allowances {
    rate: Option<Rate>,
    /// As many as there are agents, at most.
    of_agent: HashMap<AgentName, Weak<Mutex<Bucket>>>,
}

/// One agent's, shared by its legs.
#[derive(Clone)]
pub(crate) struct Allowance {
    rate: Rate,
    bucket: Arc<Mutex<Bucket>>,
}

impl Allowances {
    /// With this rate, for each agent; `None` is without one.
    pub(crate) fn new(bytes_per_second: Option<u64>) -> Self {
        let rate = bytes_per_second.map(|steady| {
            let steady = steady as f64;
            Rate { steady, burst: steady.max(LEAST_BURST) }
        });
        Self { rate, of_agent: HashMap::new() }
    }

    /// The allowance of `agent`: the one that its other legs have, if it has any.
    pub(crate) fn of(&mut self, agent: &AgentName, now: Instant) -> Option<Allowance> {
        let rate = self.rate?;
        let shared = self.of_agent.get(agent).and_then(Weak::upgrade);
        let bucket = shared.unwrap_or_else(|| {
            let bucket = Arc::new(Mutex::new(Bucket::full(rate, now)));
            self.of_agent.insert(agent.clone(), Arc::downgrade(&bucket));
            bucket
        });
        Some(Allowance { rate, bucket })
    }
}

impl Allowance {
    /// So many bytes passed.
    pub(crate) fn spend(&self, now: Instant, bytes: usize) {
        self.lock().take(self.rate, now, bytes as f64);
    }

    /// How long until the next may.
    pub(crate) fn wait(&self, now: Instant) -> Duration {
        self.lock().owes(self.rate, now)
    }

    fn lock(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_legs_of_an_agent_share_one_and_agents_do_not() {
        let (now, half) = (Instant::now(), Duration::from_millis(500));
        let mut allowances = Allowances::new(Some(100_000));
        let (a, b) = ("a".parse().expect("name"), "b".parse().expect("name"));
        let one = allowances.of(&a, now).expect("a rate");
        let two = allowances.of(&a, now).expect("a rate");
        one.spend(now, 150_000);
        two.spend(now, 50_000);
        assert_eq!((one.wait(now), two.wait(now + half)), (half * 2, half));
        assert_eq!(allowances.of(&b, now).expect("a rate").wait(now), Duration::ZERO);
        assert!(Allowances::new(None).of(&a, now).is_none());
    }
}
