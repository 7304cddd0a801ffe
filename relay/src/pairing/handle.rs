//! The table behind a lock, and the mailboxes by which its decisions reach the legs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use prometheus_client::metrics::counter::Counter;
use tunnel::instance::InstanceNonce;
use tunnel::ticket::TicketHash;

use super::mailbox::{Mailbox, Pairing};
use super::table::{Departure, Effect, LegId, Side, Table};
use crate::admission::{Allowance, Allowances, Limits, Refusal};
use crate::agents::AgentName;
use crate::metrics::{Census, Metrics};

/// All tunnels of a relay, shared by its tasks. Nothing waits while the lock is held.
#[derive(Clone)]
pub(crate) struct Handle {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    table: Table,
    legs: HashMap<LegId, Standing>,
    allowances: Allowances,
    metrics: Metrics,
}

/// A leg that has its place.
struct Standing {
    mailbox: Arc<Mailbox>,
    /// Since when it waits for a peer; `None` while it has one.
    alone_since: Option<Instant>,
}

/// A leg's place in the table. Dropped, it is left as lost.
pub(crate) struct Seat {
    handle: Handle,
    leg: LegId,
    side: Side,
    mailbox: Arc<Mailbox>,
    allowance: Option<Allowance>,
    /// Counts what its end sends.
    bytes: Counter,
}

impl Handle {
    /// No tunnels yet.
    pub(crate) fn new(limits: Limits, metrics: Metrics) -> Self {
        let (table, allowances) = (Table::new(limits), Allowances::new(limits.bytes_per_second));
        Self { shared: Arc::new(Mutex::new(Shared { table, legs: HashMap::new(), allowances, metrics })) }
    }

    /// Other limits from now on.
    pub(crate) fn adjust(&self, limits: Limits) {
        let mut shared = self.lock();
        shared.table.adjust(limits);
        shared.allowances.adjust(limits.bytes_per_second);
    }

    /// Seats a leg of `agent` for the tunnel `hash`.
    pub(crate) fn seat_agent(&self, agent: &AgentName, hash: TicketHash) -> Result<Seat, Refusal> {
        self.seat(Side::Agent, |table, now| table.agent_arrives(now, agent, hash))
    }

    /// Seats a leg of the process `instance` for the tunnel `hash`.
    pub(crate) fn seat_function(&self, hash: TicketHash, instance: InstanceNonce) -> Result<Seat, Refusal> {
        self.seat(Side::Function, |table, now| table.function_arrives(now, hash, instance))
    }

    /// Lets entries go whose time is over.
    pub(crate) fn expire(&self) {
        let mut shared = self.lock();
        let effects = shared.table.expire(now());
        shared.apply(effects);
    }

    /// Cuts all that belongs to `agent`.
    pub(crate) fn revoke(&self, agent: &AgentName) {
        let mut shared = self.lock();
        let effects = shared.table.revoke(agent);
        tracing::info!(%agent, legs = effects.len(), "agent revoked");
        shared.apply(effects);
    }

    /// Ends all legs with `code`.
    pub(crate) fn close_all(&self, code: u16) {
        let mut shared = self.lock();
        let effects = shared.table.clear(code);
        shared.apply(effects);
    }

    /// What stands now.
    pub(crate) fn census(&self) -> Census {
        self.lock().table.census()
    }

    fn seat(
        &self,
        side: Side,
        arrive: impl FnOnce(&mut Table, Instant) -> Result<(LegId, Vec<Effect>), Refusal>,
    ) -> Result<Seat, Refusal> {
        let mut shared = self.lock();
        let now = now();
        // An entry whose time is over is gone, whether or not the next tick came yet.
        let expired = shared.table.expire(now);
        shared.apply(expired);
        let (leg, effects) = arrive(&mut shared.table, now)?;
        let mailbox = Arc::new(Mailbox::default());
        shared.legs.insert(leg, Standing { mailbox: Arc::clone(&mailbox), alone_since: Some(now) });
        shared.apply(effects);
        let (allowance, bytes) = (shared.allowance(leg), shared.metrics.bytes_from(side));
        drop(shared);
        Ok(Seat { handle: self.clone(), leg, side, mailbox, allowance, bytes })
    }

    fn leave(&self, leg: LegId, how: Departure) {
        let mut shared = self.lock();
        shared.legs.remove(&leg);
        let effects = shared.table.leaves(now(), leg, how);
        shared.apply(effects);
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn allowance(&mut self, leg: LegId) -> Option<Allowance> {
        self.table.agent(leg).map(|agent| self.allowances.of(agent))
    }

    fn apply(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Paired { agent, function, pairing } => {
                    self.count_pair([agent, function]);
                    let (of_agent, of_function) = Pairing::between(pairing);
                    self.tell(agent, Some(of_agent));
                    self.tell(function, Some(of_function));
                }
                Effect::Alone(leg) => {
                    if let Some(leg) = self.legs.get_mut(&leg) {
                        leg.alone_since = Some(now());
                    }
                    self.tell(leg, None);
                }
                Effect::Closed(leg, code) => {
                    if let Some(leg) = self.legs.remove(&leg) {
                        leg.mailbox.close(code);
                    }
                }
            }
        }
    }

    /// The wait of a pair is that of its leg which came first.
    fn count_pair(&mut self, legs: [LegId; 2]) {
        let waits = legs.iter().filter_map(|leg| self.legs.get_mut(leg)?.alone_since.take());
        if let Some(since) = waits.min() {
            self.metrics.paired(now().saturating_duration_since(since));
        }
    }

    fn tell(&self, leg: LegId, peer: Option<Pairing>) {
        if let Some(leg) = self.legs.get(&leg) {
            leg.mailbox.set_peer(peer);
        }
    }
}

impl Seat {
    /// Where this leg's orders come.
    pub(crate) fn mailbox(&self) -> Arc<Mailbox> {
        Arc::clone(&self.mailbox)
    }

    /// What its agent's rate, if there is one, lets it pass on.
    pub(crate) fn allowance(&self) -> Option<Allowance> {
        self.allowance.clone()
    }

    /// Counts the bytes of the messages that its end sends.
    pub(crate) fn bytes(&self) -> Counter {
        self.bytes.clone()
    }

    /// Which end it is of.
    pub(crate) fn side(&self) -> Side {
        self.side
    }

    /// Leaves it. An agent's [`Departure::Done`] ends the tunnel.
    pub(crate) fn leave(self, how: Departure) {
        self.handle.leave(self.leg, how);
        // The drop that follows finds the leg gone and does nothing.
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.handle.leave(self.leg, Departure::Lost);
    }
}

/// The runtime's clock, which tests can stop.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
