//! The bytes a second that all legs of one agent share, if the relay sets a rate.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::bucket::{Bucket, Rate};
use crate::agents::AgentName;

/// The least that passes at once, bytes: below it each read would wait.
const LEAST_BURST: f64 = 64.0 * 1024.0;

/// The allowances of agents that have a leg.
pub(crate) struct Allowances {
    most: Arc<Most>,
    /// As many as there are agents, at most.
    of_agent: HashMap<AgentName, Weak<Mutex<Spent>>>,
}

/// One agent's, shared by its legs.
#[derive(Clone)]
pub(crate) struct Allowance {
    most: Arc<Most>,
    spent: Arc<Mutex<Spent>>,
}

/// Bytes a second; 0 is no limit.
struct Most(AtomicU64);

/// What is left; nothing is kept before there is a limit.
type Spent = Option<Bucket>;

impl Allowances {
    /// With this rate, for each agent; `None` is without one.
    pub(crate) fn new(bytes_per_second: Option<u64>) -> Self {
        let most = Arc::new(Most(AtomicU64::default()));
        most.set(bytes_per_second);
        Self { most, of_agent: HashMap::new() }
    }

    /// Another rate, for the legs that stand too.
    pub(crate) fn adjust(&self, bytes_per_second: Option<u64>) {
        self.most.set(bytes_per_second);
    }

    /// The allowance of `agent`: the one that its other legs have, if it has any.
    pub(crate) fn of(&mut self, agent: &AgentName) -> Allowance {
        let shared = self.of_agent.get(agent).and_then(Weak::upgrade);
        let spent = shared.unwrap_or_else(|| {
            let spent = Arc::default();
            self.of_agent.insert(agent.clone(), Arc::downgrade(&spent));
            spent
        });
        Allowance { most: Arc::clone(&self.most), spent }
    }
}

impl Allowance {
    /// So many bytes passed.
    pub(crate) fn spend(&self, now: Instant, bytes: usize) {
        if let Some(rate) = self.most.rate() {
            self.lock().get_or_insert_with(|| Bucket::full(rate, now)).take(rate, now, bytes as f64);
        }
    }

    /// How long until the next may.
    pub(crate) fn wait(&self, now: Instant) -> Duration {
        let owed = self.most.rate().and_then(|rate| self.lock().as_mut().map(|bucket| bucket.owes(rate, now)));
        owed.unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Most {
    fn set(&self, bytes_per_second: Option<u64>) {
        self.0.store(bytes_per_second.unwrap_or(0), Ordering::Relaxed);
    }

    fn rate(&self) -> Option<Rate> {
        let steady = self.0.load(Ordering::Relaxed) as f64;
        (steady > 0.0).then(|| Rate { steady, burst: steady.max(LEAST_BURST) })
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
        let (one, two) = (allowances.of(&a), allowances.of(&a));
        one.spend(now, 150_000);
        two.spend(now, 50_000);
        assert_eq!((one.wait(now), two.wait(now + half)), (half * 2, half));
        assert_eq!(allowances.of(&b).wait(now), Duration::ZERO);
    }

    #[test]
    fn another_rate_is_for_the_legs_that_stand_too() {
        let now = Instant::now();
        let mut allowances = Allowances::new(None);
        let leg = allowances.of(&"a".parse().expect("name"));
        leg.spend(now, usize::MAX);
        assert_eq!(leg.wait(now), Duration::ZERO);
        allowances.adjust(Some(100_000));
        leg.spend(now, 200_000);
        assert_eq!(leg.wait(now), Duration::from_secs(1));
        allowances.adjust(Some(200_000));
        assert_eq!(leg.wait(now), Duration::from_millis(500));
        allowances.adjust(None);
        assert_eq!(leg.wait(now), Duration::ZERO);
    }
}
