//! The table behind a lock, and the mailboxes by which its decisions reach the legs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tunnel::instance::InstanceNonce;
use tunnel::ticket::TicketHash;

use super::mailbox::{Mailbox, Pairing};
use super::table::{Departure, Effect, LegId, Side, Table};
use crate::admission::{Allowance, Allowances, Limits, Refusal};
use crate::agents::AgentName;

/// All tunnels of a relay, shared by its tasks. Nothing waits while the lock is held.
#[derive(Clone)]
pub(crate) struct Handle {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    table: Table,
    mailboxes: HashMap<LegId, Arc<Mailbox>>,
    allowances: Allowances,
}

/// A leg's place in the table. Dropped, it is left as lost.
pub(crate) struct Seat {
    handle: Handle,
    leg: LegId,
    side: Side,
    mailbox: Arc<Mailbox>,
    allowance: Option<Allowance>,
}

impl Handle {
    /// No tunnels yet.
    pub(crate) fn new(limits: Limits) -> Self {
        let (table, allowances) = (Table::new(limits), Allowances::new(limits.bytes_per_second));
        Self { shared: Arc::new(Mutex::new(Shared { table, mailboxes: HashMap::new(), allowances })) }
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

    /// Tunnels and legs, for the log.
    pub(crate) fn counts(&self) -> (usize, usize) {
        self.lock().table.counts()
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
        shared.mailboxes.insert(leg, Arc::clone(&mailbox));
        shared.apply(effects);
        let allowance = shared.allowance(now, leg);
        drop(shared);
        Ok(Seat { handle: self.clone(), leg, side, mailbox, allowance })
    }

    fn leave(&self, leg: LegId, how: Departure) {
        let mut shared = self.lock();
        shared.mailboxes.remove(&leg);
        let effects = shared.table.leaves(now(), leg, how);
        shared.apply(effects);
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn allowance(&mut self, now: Instant, leg: LegId) -> Option<Allowance> {
        self.allowances.of(self.table.agent(leg)?, now)
    }

    fn apply(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Paired { agent, function, pairing } => {
                    let (of_agent, of_function) = Pairing::between(pairing);
                    self.tell(agent, Some(of_agent));
                    self.tell(function, Some(of_function));
                }
                Effect::Alone(leg) => self.tell(leg, None),
                Effect::Closed(leg, code) => {
                    if let Some(mailbox) = self.mailboxes.remove(&leg) {
                        mailbox.close(code);
                    }
                }
            }
        }
    }

    fn tell(&self, leg: LegId, peer: Option<Pairing>) {
        if let Some(mailbox) = self.mailboxes.get(&leg) {
            mailbox.set_peer(peer);
        }
    }
}

impl Seat {
    /// Where this leg's orders come.
    pub(crate) fn mailbox(&self) -> Arc<Mailbox> {
        Arc::clone(&self.mailbox)
    }

    /// The rate at which it may be read, if its agent has one.
    pub(crate) fn allowance(&self) -> Option<Allowance> {
        self.allowance.clone()
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
