//! Tunnels that their agents have ended, remembered so that a late function is told so and stops trying.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use tunnel::ticket::TicketHash;

use crate::agents::AgentName;

/// Most of them: two MiB at worst. The oldest go first, and are answered 404 then, which ends a function within its grace.
pub(super) const MOST_ENDED: usize = 16 * 1024;

/// Ended tunnels and until when they are remembered.
#[derive(Default)]
pub(super) struct Ended {
    agents: HashMap<TicketHash, (AgentName, Instant)>,
    /// In the order of their ends; all are remembered equally long.
    order: VecDeque<TicketHash>,
}

impl Ended {
    /// Remembers a tunnel of `agent` until `until`.
    pub(super) fn insert(&mut self, until: Instant, hash: TicketHash, agent: AgentName) {
        if self.order.len() >= MOST_ENDED {
            self.pop();
        }
        if self.agents.insert(hash, (agent, until)).is_none() {
            self.order.push_back(hash);
        }
    }

    /// Whose tunnel this was, if it has ended lately.
    pub(super) fn agent(&self, now: Instant, hash: TicketHash) -> Option<&AgentName> {
        self.agents.get(&hash).filter(|(_, until)| *until > now).map(|(agent, _)| agent)
    }

    /// Forgets those whose time is over.
    pub(super) fn forget(&mut self, now: Instant) {
        let over = |hash: &TicketHash| self.agents.get(hash).is_none_or(|(_, until)| *until <= now);
        let count = self.order.iter().take_while(|hash| over(hash)).count();
        for _ in 0..count {
            self.pop();
        }
    }

    fn pop(&mut self) {
        if let Some(hash) = self.order.pop_front() {
            self.agents.remove(&hash);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.agents.len().max(self.order.len())
    }
}
