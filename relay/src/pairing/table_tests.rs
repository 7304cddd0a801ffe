//! Tests of the table: the rows of the contract, and what must hold whatever happens in whatever order.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;

use super::super::ended::MOST_ENDED;
use super::*;

const LIMITS: Limits =
    Limits { connections: 100, per_address: 100, per_agent: 3, waiting: 4, handshakes: 100, bytes_per_second: None };

fn agent(name: &str) -> AgentName {
    name.parse().expect("name")
}

fn hash(n: u8) -> TicketHash {
    TicketHash::from_hex(&format!("{n:02x}").repeat(32)).expect("hex")
}

fn instance(n: u8) -> InstanceNonce {
    format!("{n:02x}").repeat(16).parse().expect("hex")
}

/// A table with one paired tunnel of agent `a`, ticket 1, instance 1.
fn paired(now: Instant) -> (Table, LegId, LegId) {
    let mut table = Table::new(LIMITS);
    let (a, effects) = table.agent_arrives(now, &agent("a"), hash(1)).expect("agent");
    assert_eq!(effects, []);
    let (f, effects) = table.function_arrives(now, hash(1), instance(1)).expect("function");
    assert_eq!(effects, [Effect::Paired { agent: a, function: f, pairing: 1 }]);
    (table, a, f)
}

#[test]
fn an_unknown_ticket_and_a_foreign_hash_and_a_second_instance_are_refused() {
    let now = Instant::now();
    let (mut table, ..) = paired(now);
    assert_eq!(table.function_arrives(now, hash(2), instance(1)), Err(Refusal::Unknown));
    assert_eq!(table.agent_arrives(now, &agent("b"), hash(1)), Err(Refusal::OtherAgent));
    assert_eq!(table.function_arrives(now, hash(1), instance(2)), Err(Refusal::OtherInstance));
}

#[test]
fn a_newer_leg_takes_the_place_of_the_older_and_begins_a_pairing() {
    let now = Instant::now();
    let (mut table, a, f) = paired(now);
    let (f2, effects) = table.function_arrives(now, hash(1), instance(1)).expect("function again");
    assert_eq!(effects, [Effect::Closed(f, 4003), Effect::Paired { agent: a, function: f2, pairing: 2 }]);
    let (a2, effects) = table.agent_arrives(now, &agent("a"), hash(1)).expect("agent again");
    assert_eq!(effects, [Effect::Closed(a, 4003), Effect::Paired { agent: a2, function: f2, pairing: 3 }]);
    assert_eq!(table.leaves(now, a, Departure::Done), [], "the older leg's 1000 ends nothing");
    assert_eq!(table.leaves(now, f, Departure::Lost), []);
}

#[test]
fn a_function_that_goes_unbinds_nothing() {
    let now = Instant::now();
    let (mut table, a, f) = paired(now);
    assert_eq!(table.leaves(now, f, Departure::Done), [Effect::Alone(a)]);
    assert_eq!(table.function_arrives(now, hash(1), instance(2)), Err(Refusal::OtherInstance));
    let (f2, effects) = table.function_arrives(now, hash(1), instance(1)).expect("the bound instance");
    assert_eq!(effects, [Effect::Paired { agent: a, function: f2, pairing: 2 }]);
    assert_eq!(table.expire(now + ENTRY_LIFE * 9), [], "an entry whose agent stands does not expire");
}

#[test]
fn an_agents_1000_ends_the_tunnel_for_120_s() {
    let now = Instant::now();
    let (mut table, a, f) = paired(now);
    assert_eq!(table.leaves(now, a, Departure::Done), [Effect::Closed(f, 4001)]);
    let just_before = now + ENTRY_LIFE - Duration::from_millis(1);
    assert_eq!(table.expire(just_before), []);
    assert_eq!(table.function_arrives(just_before, hash(1), instance(1)), Err(Refusal::Ended));
    assert_eq!(table.agent_arrives(just_before, &agent("a"), hash(1)), Err(Refusal::Ended));
    assert_eq!(table.agent_arrives(just_before, &agent("b"), hash(1)), Err(Refusal::OtherAgent));
    assert_eq!(table.function_arrives(now + ENTRY_LIFE, hash(1), instance(1)), Err(Refusal::Unknown));
}

#[test]
fn a_lost_agent_has_120_s_to_come_back() {
    let now = Instant::now();
    let (mut table, a, f) = paired(now);
    assert_eq!(table.leaves(now, a, Departure::Lost), [Effect::Alone(f)]);
    let just_before = now + ENTRY_LIFE - Duration::from_millis(1);
    assert_eq!(table.expire(just_before), []);
    let (a2, effects) = table.agent_arrives(just_before, &agent("a"), hash(1)).expect("back in time");
    assert_eq!(effects, [Effect::Paired { agent: a2, function: f, pairing: 2 }]);
    assert_eq!(table.expire(now + ENTRY_LIFE * 2), []);

    let gone = now + ENTRY_LIFE * 3;
    assert_eq!(table.leaves(gone, a2, Departure::Lost), [Effect::Alone(f)]);
    assert_eq!(table.expire(gone + ENTRY_LIFE), [Effect::Closed(f, 4001)]);
    assert_eq!(table.function_arrives(gone + ENTRY_LIFE, hash(1), instance(1)), Err(Refusal::Unknown));
}

#[test]
fn an_orphaned_entry_lives_without_a_function_too_and_takes_one() {
    let now = Instant::now();
    let mut table = Table::new(LIMITS);
    let (a, _) = table.agent_arrives(now, &agent("a"), hash(1)).expect("agent");
    assert_eq!(table.leaves(now, a, Departure::Lost), []);
    let (f, effects) = table.function_arrives(now, hash(1), instance(1)).expect("function");
    assert_eq!(effects, []);
    assert_eq!(table.expire(now + ENTRY_LIFE), [Effect::Closed(f, 4001)]);
}

#[test]
fn limits_hold_for_new_tunnels_and_not_for_those_that_come_back() {
    let now = Instant::now();
    let mut table = Table::new(LIMITS);
    for n in 1..=3 {
        table.agent_arrives(now, &agent("a"), hash(n)).expect("within the limit");
    }
    assert_eq!(table.agent_arrives(now, &agent("a"), hash(4)), Err(Refusal::AgentLimit));
    table.agent_arrives(now, &agent("b"), hash(5)).expect("another agent");
    assert_eq!(table.agent_arrives(now, &agent("b"), hash(6)), Err(Refusal::Waiting));
    table.agent_arrives(now, &agent("a"), hash(1)).expect("back");
    table.function_arrives(now, hash(1), instance(1)).expect("paired");
    table.agent_arrives(now, &agent("b"), hash(6)).expect("one waits less");
}

#[test]
fn a_revoked_agent_loses_its_tunnels_and_no_other_does() {
    let now = Instant::now();
    let (mut table, a, f) = paired(now);
    table.agent_arrives(now, &agent("b"), hash(2)).expect("other");
    assert_eq!(table.revoke(&agent("a")), [Effect::Closed(a, 4001), Effect::Closed(f, 4001)]);
    assert_eq!(table.census(), Census { tunnels: 1, agent_legs: 1, ..Census::default() });
    assert_eq!(table.function_arrives(now, hash(1), instance(1)), Err(Refusal::Unknown));
}

#[test]
fn ended_tunnels_are_remembered_up_to_a_bound() {
    let now = Instant::now();
    let mut ended = Ended::default();
    let nth = |n: usize| TicketHash::from_hex(&format!("{n:064x}")).expect("hex");
    for n in 0..=MOST_ENDED {
        ended.insert(now + ENTRY_LIFE, nth(n), agent("a"));
    }
    assert_eq!(ended.len(), MOST_ENDED);
    assert_eq!(ended.agent(now, nth(0)), None);
    assert!(ended.agent(now, nth(MOST_ENDED)).is_some());
    ended.forget(now + ENTRY_LIFE);
    assert_eq!(ended.len(), 0);
}

#[derive(Debug, Clone)]
enum Step {
    Agent(u8, u8),
    Function(u8, u8),
    Leaves(usize, bool),
    Revoke(u8),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..2u8, 0..3u8).prop_map(|(agent, ticket)| Step::Agent(agent, ticket)),
        4 => (0..3u8, 0..2u8).prop_map(|(ticket, instance)| Step::Function(ticket, instance)),
        4 => (any::<usize>(), any::<bool>()).prop_map(|(leg, done)| Step::Leaves(leg, done)),
        1 => (0..2u8).prop_map(Step::Revoke),
        3 => (0..200u64).prop_map(Step::Pass),
    ]
}

/// What the legs of a table believe, from the effects alone.
#[derive(Default)]
struct World {
    /// Leg → ticket, side, and the pairing that it was told last.
    alive: HashMap<LegId, (u8, Side, Option<u64>)>,
    newest: HashMap<u8, u64>,
    past: Vec<LegId>,
}

impl World {
    fn arrives(&mut self, leg: LegId, ticket: u8, side: Side) {
        assert!(!self.past.contains(&leg), "a leg's id is used once");
        self.past.push(leg);
        self.alive.insert(leg, (ticket, side, None));
    }

    fn apply(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Paired { agent, function, pairing } => {
                    let ticket = self.alive[agent].0;
                    assert_eq!((self.alive[agent].1, self.alive[function].1), (Side::Agent, Side::Function));
                    assert_eq!(ticket, self.alive[function].0);
                    let newest = self.newest.entry(ticket).or_default();
                    assert!(*pairing > *newest, "pairing numbers rise");
                    *newest = *pairing;
                    for leg in [agent, function] {
                        self.alive.get_mut(leg).expect("alive").2 = Some(*pairing);
                    }
                }
                Effect::Alone(leg) => {
                    let told = &mut self.alive.get_mut(leg).expect("only a living leg is told").2;
                    assert!(told.take().is_some(), "down comes after up only");
                }
                Effect::Closed(leg, _) => assert!(self.alive.remove(leg).is_some(), "a leg is closed once"),
            }
        }
    }

    fn check(&mut self, table: &Table) {
        assert_eq!(self.alive.len(), table.legs.len());
        for ticket in 0..3 {
            let of = |wanted: Side| {
                let legs: Vec<_> = self.alive.values().filter(|(t, side, _)| (*t, *side) == (ticket, wanted)).collect();
                assert!(legs.len() <= 1, "never two legs of one side");
                legs.first().map(|leg| leg.2)
            };
            match (of(Side::Agent), of(Side::Function)) {
                (Some(agent), Some(function)) => assert!(agent.is_some() && agent == function, "one pairing"),
                (one, other) => assert_eq!(one.or(other).flatten(), None, "without a peer no pairing"),
            }
            if !table.entries.contains_key(&hash(ticket)) {
                self.newest.remove(&ticket);
            }
        }
        assert!(table.entries.values().all(|entry| entry.agent_leg.is_some() != entry.expires.is_some()));
    }
}

proptest! {
    #[test]
    fn whatever_happens_the_table_stays_true(steps in proptest::collection::vec(step(), 0..120)) {
        let names = [agent("a"), agent("b")];
        let (mut table, mut world, mut now) = (Table::new(LIMITS), World::default(), Instant::now());
        for step in steps {
            let effects = match step {
                Step::Agent(name, ticket) => match table.agent_arrives(now, &names[usize::from(name)], hash(ticket)) {
                    Ok((leg, effects)) => { world.arrives(leg, ticket, Side::Agent); effects }
                    Err(_) => continue,
                },
                Step::Function(ticket, nonce) => match table.function_arrives(now, hash(ticket), instance(nonce)) {
                    Ok((leg, effects)) => { world.arrives(leg, ticket, Side::Function); effects }
                    Err(_) => continue,
                },
                Step::Leaves(leg, done) if !world.past.is_empty() => {
                    let leg = world.past[leg % world.past.len()];
                    world.alive.remove(&leg);
                    table.leaves(now, leg, if done { Departure::Done } else { Departure::Lost })
                }
                Step::Leaves(..) => continue,
                Step::Revoke(name) => table.revoke(&names[usize::from(name)]),
                Step::Pass(seconds) => { now += Duration::from_secs(seconds); table.expire(now) }
            };
            world.apply(&effects);
            world.check(&table);
            prop_assert!(table.entries.len() <= LIMITS.waiting.max(3) && table.ended.len() <= 3);
        }
        for leg in world.past { table.leaves(now, leg, Departure::Lost); }
        table.expire(now + ENTRY_LIFE);
        prop_assert_eq!(table.census(), Census::default());
        prop_assert_eq!(table.ended.len(), 0);
    }
}
