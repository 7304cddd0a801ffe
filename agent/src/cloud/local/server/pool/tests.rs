//! What must hold of the pool: its cases one by one, then any order of events against a model.

#![allow(clippy::panic, reason = "a test that fails panics")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const LIFE: Duration = Duration::from_secs(60);

fn pool(concurrency: usize) -> Pool {
    Pool::new(Limits { concurrency, idle_life: LIFE })
}

/// The instance that one invocation started.
fn started(actions: &[Action]) -> InstanceId {
    match actions {
        [Action::Start { instance, .. }] => *instance,
        other => panic!("expected one start, got {other:?}"),
    }
}

#[test]
fn the_most_recently_used_idle_instance_is_reused() {
    let (mut pool, now) = (pool(3), Instant::now());
    let (first, second) = (started(&pool.invoke(1)), started(&pool.invoke(2)));
    pool.freed(now, second);
    pool.freed(now + Duration::from_secs(1), first);
    assert_eq!(pool.invoke(3), [Action::Run { instance: first, invocation: 3 }]);
}

#[test]
fn one_invocation_too_many_is_throttled_and_a_freed_instance_serves_again() {
    let (mut pool, now) = (pool(1), Instant::now());
    let instance = started(&pool.invoke(1));
    assert_eq!(pool.invoke(2), [Action::Throttle { invocation: 2 }]);
    pool.freed(now, instance);
    assert_eq!(pool.invoke(3), [Action::Run { instance, invocation: 3 }]);
}

#[test]
fn after_a_change_the_idle_end_at_once_and_the_busy_after_their_invocation() {
    let (mut pool, now) = (pool(3), Instant::now());
    let (idle, busy) = (started(&pool.invoke(1)), started(&pool.invoke(2)));
    pool.freed(now, idle);
    assert_eq!(pool.reconfigure(), [Action::Retire { instance: idle }]);
    let fresh = started(&pool.invoke(3));
    assert!(fresh != idle && fresh != busy);
    assert_eq!(pool.freed(now, busy), [Action::Retire { instance: busy }]);
}

#[test]
fn an_invocation_waits_for_the_seat_of_a_dying_instance() {
    let (mut pool, now) = (pool(1), Instant::now());
    let old = started(&pool.invoke(1));
    pool.freed(now, old);
    pool.reconfigure();
    assert_eq!(pool.invoke(2), []);
    assert_eq!(pool.invoke(3), [Action::Throttle { invocation: 3 }]);
    started(&pool.gone(old));
}

#[test]
fn an_instance_idle_for_its_life_is_retired_and_the_tick_is_due_then() {
    let (mut pool, now) = (pool(2), Instant::now());
    let instance = started(&pool.invoke(1));
    assert_eq!(pool.next_tick(), None);
    pool.freed(now, instance);
    assert_eq!(pool.next_tick(), Some(now + LIFE));
    assert_eq!(pool.tick(now + LIFE - Duration::from_millis(1)), []);
    assert_eq!(pool.tick(now + LIFE), [Action::Retire { instance }]);
}

#[test]
fn closing_refuses_new_invocations_and_waits_for_running_ones() {
    let (mut pool, now) = (pool(2), Instant::now());
    let (busy, idle) = (started(&pool.invoke(1)), started(&pool.invoke(2)));
    pool.freed(now, idle);
    assert_eq!(pool.close(), [Action::Retire { instance: idle }]);
    assert_eq!(pool.invoke(3), [Action::Refuse { invocation: 3 }]);
    pool.gone(idle);
    assert!(!pool.is_finished());
    assert_eq!(pool.freed(now, busy), [Action::Retire { instance: busy }]);
    pool.gone(busy);
    assert!(pool.is_finished());
}

#[test]
fn each_new_instance_has_another_address_and_never_that_of_a_living_one() {
    let mut pool = pool(2);
    let host_of = |pool: &mut Pool, id| match pool.invoke(id)[..] {
        [Action::Start { instance, host, .. }] => (instance, host),
        ref other => panic!("{other:?}"),
    };
    let (_, kept) = host_of(&mut pool, 0);
    let mut last = kept;
    for id in 1..600 {
        let (instance, host) = host_of(&mut pool, id);
        assert!(host != kept && host != last && HOSTS.contains(&host), "{host}");
        last = host;
        pool.spent(instance);
        pool.gone(instance);
    }
}

#[derive(Debug, Clone)]
enum Event {
    Invoke,
    Freed(usize),
    Spent(usize),
    Gone(usize),
    Change,
    Pass(u64),
    Close,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => Just(Event::Invoke),
        6 => (0..8usize).prop_map(Event::Freed),
        2 => (0..8usize).prop_map(Event::Spent),
        4 => (0..8usize).prop_map(Event::Gone),
        1 => Just(Event::Change),
        2 => (1..90u64).prop_map(Event::Pass),
        1 => Just(Event::Close),
    ]
}

/// What the shell would know: which instance runs what, where it sits, and with which configuration it was started.
#[derive(Default)]
struct Model {
    living: BTreeMap<InstanceId, Living>,
    revision: u64,
    accepted: BTreeSet<InvocationId>,
}

struct Living {
    seat: usize,
    host: u8,
    revision: u64,
    runs: Option<InvocationId>,
    dying: bool,
}

impl Model {
    fn apply(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Start { instance, seat, host, invocation } => {
                    assert!(self.living.values().all(|other| other.seat != seat && other.host != host), "shared seat or host");
                    let born = Living { seat, host, revision: self.revision, runs: Some(invocation), dying: false };
                    assert!(self.living.insert(instance, born).is_none(), "an id came twice");
                    assert!(self.accepted.remove(&invocation), "started twice");
                }
                Action::Run { instance, invocation } => {
                    let living = self.living.get_mut(&instance).expect("a living instance");
                    assert!(living.runs.is_none() && !living.dying && living.revision == self.revision, "not free or stale");
                    living.runs = Some(invocation);
                    assert!(self.accepted.remove(&invocation), "started twice");
                }
                Action::Retire { instance } => {
                    let living = self.living.get_mut(&instance).expect("a living instance");
                    assert!(living.runs.is_none() && !living.dying, "retired while it runs");
                    living.dying = true;
                }
                Action::Throttle { invocation } | Action::Refuse { invocation } => assert!(self.accepted.remove(&invocation)),
            }
        }
    }

    fn nth(&self, n: usize, which: impl Fn(&Living) -> bool) -> Option<InstanceId> {
        self.living.iter().filter(|(_, living)| which(living)).map(|(id, _)| *id).nth(n)
    }
}

proptest! {
    #[test]
    fn whatever_happens_the_rules_hold(concurrency in 1..5usize, events in proptest::collection::vec(event(), 0..120)) {
        let (mut pool, mut model, mut now) = (pool(concurrency), Model::default(), Instant::now());
        for (at, event) in (0u64..).zip(events) {
            match event {
                Event::Invoke => {
                    model.accepted.insert(at);
                    let actions = pool.invoke(at);
                    model.apply(actions);
                }
                Event::Freed(n) => if let Some(id) = model.nth(n, |l| l.runs.is_some()) {
                    model.living.get_mut(&id).expect("living").runs = None;
                    model.apply(pool.freed(now, id));
                },
                Event::Spent(n) => if let Some(id) = model.nth(n, |l| l.runs.is_some()) {
                    let living = model.living.get_mut(&id).expect("living");
                    (living.runs, living.dying) = (None, true);
                    pool.spent(id);
                },
                Event::Gone(n) => if let Some(id) = model.nth(n, |_| true) {
                    model.living.remove(&id);
                    model.apply(pool.gone(id));
                },
                Event::Change => {
                    model.revision += 1;
                    model.apply(pool.reconfigure());
                }
                Event::Pass(seconds) => {
                    now += Duration::from_secs(seconds);
                    model.apply(pool.tick(now));
                    prop_assert!(pool.next_tick().is_none_or(|due| due > now));
                }
                Event::Close => model.apply(pool.close()),
            }
            let running = model.living.values().filter(|l| l.runs.is_some()).count();
            prop_assert!(running + model.accepted.len() <= concurrency);
            // What waits does so only for a dying instance's seat.
            prop_assert!(model.accepted.is_empty() || model.living.values().any(|l| l.dying));
        }
        model.apply(pool.close());
        while let Some(id) = model.nth(0, |_| true) {
            model.living.remove(&id);
            model.apply(pool.gone(id));
        }
        prop_assert!(pool.is_finished() && model.accepted.is_empty());
    }
}
