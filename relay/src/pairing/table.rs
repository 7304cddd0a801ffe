//! Who is whose peer: the entries of a relay, as decisions without sockets or clocks.
//!
//! Each event takes the time and returns what is to be done. Never: a ticket; it is known here by its hash alone.

use std::collections::HashMap;
use std::time::Instant;

use tunnel::instance::InstanceNonce;
use tunnel::leg::port::close;
use tunnel::limits::ENTRY_LIFE;
use tunnel::ticket::TicketHash;

use super::ended::Ended;
use crate::admission::{Limits, Refusal};
use crate::agents::AgentName;
use crate::metrics::Census;

/// One leg, for as long as the relay runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LegId(u64);

/// Which end a leg comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    Agent,
    Function,
}

impl Side {
    /// In logs and metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Function => "function",
        }
    }
}

/// How a leg went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Departure {
    /// Its end closed it with 1000.
    Done,
    /// In any other way.
    Lost,
}

/// What follows from an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Both legs stand: a pairing begins, and with it whatever each of them had before is over.
    Paired { agent: LegId, function: LegId, pairing: u64 },
    /// The leg's peer went.
    Alone(LegId),
    /// The leg has no place any more: it is closed with this code.
    Closed(LegId, u16),
}

/// One tunnel.
///
/// ```text
///            agent            function
///   (404) ─────────▶ waiting ──────────▶ paired ──┐ function goes
///                     ▲   ▲──────────────┴────────┘
///         agent again │ ◀──── agent lost, from either
///                   orphaned ──── 120 s ────▶ gone: the function's leg gets 4001, then 404
///
///   from any of them: the agent's 1000 ─▶ ended: 4001, 410 for 120 s
/// ```
struct Entry {
    agent: AgentName,
    instance: Option<InstanceNonce>,
    agent_leg: Option<LegId>,
    function_leg: Option<LegId>,
    pairing: u64,
    /// When an orphaned entry goes; `None` while the agent's leg stands.
    expires: Option<Instant>,
}

impl Entry {
    fn new(agent: AgentName) -> Self {
        Self { agent, instance: None, agent_leg: None, function_leg: None, pairing: 0, expires: None }
    }

    fn is_paired(&self) -> bool {
        self.agent_leg.is_some() && self.function_leg.is_some()
    }

    fn leg(&mut self, side: Side) -> &mut Option<LegId> {
        match side {
            Side::Agent => &mut self.agent_leg,
            Side::Function => &mut self.function_leg,
        }
    }

    fn legs(&self) -> impl Iterator<Item = LegId> {
        self.agent_leg.into_iter().chain(self.function_leg)
    }

    /// Begins the next pairing if both legs stand.
    fn pair(&mut self) -> Option<Effect> {
        let (agent, function) = (self.agent_leg?, self.function_leg?);
        self.pairing += 1;
        Some(Effect::Paired { agent, function, pairing: self.pairing })
    }
}

/// All tunnels of a relay.
pub(crate) struct Table {
    limits: Limits,
    entries: HashMap<TicketHash, Entry>,
    /// The legs that have a place.
    legs: HashMap<LegId, (TicketHash, Side)>,
    ended: Ended,
    last_leg: u64,
}

impl Table {
    /// An empty table.
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, entries: HashMap::new(), legs: HashMap::new(), ended: Ended::default(), last_leg: 0 }
    }

    /// Other limits from now on; what stands stays.
    pub(crate) fn adjust(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// An agent's leg arrives: it makes the entry, or comes back to it, in place of an older one.
    pub(crate) fn agent_arrives(
        &mut self,
        now: Instant,
        agent: &AgentName,
        hash: TicketHash,
    ) -> Result<(LegId, Vec<Effect>), Refusal> {
        match self.owner(now, hash) {
            Some(owner) if owner != agent => return Err(Refusal::OtherAgent),
            Some(_) if self.ended.agent(now, hash).is_some() => return Err(Refusal::Ended),
            Some(_) => {}
            None => self.has_room(agent)?,
        }
        let entry = self.entries.entry(hash).or_insert_with(|| Entry::new(agent.clone()));
        entry.expires = None;
        Ok(self.seat(hash, Side::Agent))
    }

    /// A function's leg arrives: the first one binds the entry to its instance, a later one of it takes the older's place.
    pub(crate) fn function_arrives(
        &mut self,
        now: Instant,
        hash: TicketHash,
        instance: InstanceNonce,
    ) -> Result<(LegId, Vec<Effect>), Refusal> {
        if self.ended.agent(now, hash).is_some() {
            return Err(Refusal::Ended);
        }
        let entry = self.entries.get_mut(&hash).ok_or(Refusal::Unknown)?;
        if *entry.instance.get_or_insert(instance) != instance {
            return Err(Refusal::OtherInstance);
        }
        Ok(self.seat(hash, Side::Function))
    }

    /// A leg went. One whose place was taken before is nobody any more, and nothing follows.
    pub(crate) fn leaves(&mut self, now: Instant, leg: LegId, how: Departure) -> Vec<Effect> {
        let Some((hash, side)) = self.legs.remove(&leg) else { return Vec::new() };
        let Some(entry) = self.entries.get_mut(&hash) else { return Vec::new() };
        *entry.leg(side) = None;
        match (side, how) {
            (Side::Agent, Departure::Done) => {
                self.ended.insert(now + ENTRY_LIFE, hash, entry.agent.clone());
                self.remove(hash)
            }
            (Side::Agent, Departure::Lost) => {
                entry.expires = Some(now + ENTRY_LIFE);
                entry.function_leg.map(Effect::Alone).into_iter().collect()
            }
            (Side::Function, _) => entry.agent_leg.map(Effect::Alone).into_iter().collect(),
        }
    }

    /// Time passed: orphaned entries go when their time is over.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Effect> {
        self.ended.forget(now);
        let over = |entry: &Entry| entry.expires.is_some_and(|at| at <= now);
        let over: Vec<_> = self.entries.iter().filter(|(_, entry)| over(entry)).map(|(hash, _)| *hash).collect();
        over.into_iter().flat_map(|hash| self.remove(hash)).collect()
    }

    /// An agent is none any more: all its tunnels go, legs included.
    pub(crate) fn revoke(&mut self, agent: &AgentName) -> Vec<Effect> {
        let of_agent = |(_, entry): &(&TicketHash, &Entry)| entry.agent == *agent;
        let hashes: Vec<_> = self.entries.iter().filter(of_agent).map(|(hash, _)| *hash).collect();
        hashes.into_iter().flat_map(|hash| self.remove(hash)).collect()
    }

    /// The relay stops: every leg is closed with `code`, and nothing is left.
    pub(crate) fn clear(&mut self, code: u16) -> Vec<Effect> {
        self.entries.clear();
        self.legs.drain().map(|(leg, _)| Effect::Closed(leg, code)).collect()
    }

    /// Whose tunnel a leg is of, if it has a place.
    pub(crate) fn agent(&self, leg: LegId) -> Option<&AgentName> {
        let (hash, _) = self.legs.get(&leg)?;
        self.entries.get(hash).map(|entry| &entry.agent)
    }

    /// What stands now. Counted anew each time: it is asked for seldom, and a count never kept is never wrong.
    pub(crate) fn census(&self) -> Census {
        let count = |is_counted: fn(&Entry) -> bool| self.entries.values().filter(|entry| is_counted(entry)).count();
        Census {
            tunnels: self.entries.len(),
            pairs: count(Entry::is_paired),
            agent_legs: count(|entry| entry.agent_leg.is_some()),
            function_legs: count(|entry| entry.function_leg.is_some()),
        }
    }

    fn owner(&self, now: Instant, hash: TicketHash) -> Option<&AgentName> {
        let live = self.entries.get(&hash).map(|entry| &entry.agent);
        live.or_else(|| self.ended.agent(now, hash))
    }

    /// Whether one more entry may be made. Counted anew each time: agents arrive seldom, and a count never kept is never wrong.
    fn has_room(&self, agent: &AgentName) -> Result<(), Refusal> {
        if self.entries.values().filter(|entry| entry.agent == *agent).count() >= self.limits.per_agent {
            return Err(Refusal::AgentLimit);
        }
        if self.entries.values().filter(|entry| !entry.is_paired()).count() >= self.limits.waiting {
            return Err(Refusal::Waiting);
        }
        Ok(())
    }

    fn seat(&mut self, hash: TicketHash, side: Side) -> (LegId, Vec<Effect>) {
        self.last_leg += 1;
        let leg = LegId(self.last_leg);
        self.legs.insert(leg, (hash, side));
        let Some(entry) = self.entries.get_mut(&hash) else { return (leg, Vec::new()) };
        let older = entry.leg(side).replace(leg);
        let mut effects: Vec<_> = older.map(|older| Effect::Closed(older, close::SUPERSEDED)).into_iter().collect();
        effects.extend(entry.pair());
        if let Some(older) = older {
            self.legs.remove(&older);
        }
        (leg, effects)
    }

    /// Takes an entry away: the peer of its legs is gone for good.
    fn remove(&mut self, hash: TicketHash) -> Vec<Effect> {
        let Some(entry) = self.entries.remove(&hash) else { return Vec::new() };
        for leg in entry.legs() {
            self.legs.remove(&leg);
        }
        entry.legs().map(|leg| Effect::Closed(leg, close::PEER_GONE)).collect()
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
