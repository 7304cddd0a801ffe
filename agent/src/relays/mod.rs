//! The relays of the configuration, as this agent knows them: which to dial first, and what `status` says of each.
//!
//! ```text
//!   keeper: asks each for its health ─┐
//!   legs: every dial's outcome ───────┴▶ Known (per relay) ─▶ order (pure) ─▶ a new tunnel's dials and its invitation
//!                                            └▶ views for status, problems for health
//! ```
//!
//! Never: a standing leg is not moved because another relay is nearer; that is for the next tunnel. No relay is left out
//! of an order, since the one that is down now may be the only one that comes back.

pub mod keeper;
mod order;
mod problems;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tunnel::leg::dial::AgentRelay;
use tunnel::leg::known::Outcome;

use self::order::Fact;
use crate::health::Problem;

/// How long the first tunnel waits for the relays to be measured: a round trip or a few, and a relay that is down must not
/// hold up the others.
const FIRST_MEASURE: Duration = Duration::from_secs(1);

/// The relays. Clones share them.
#[derive(Debug, Clone)]
pub struct Relays(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    relays: Vec<AgentRelay>,
    /// The place of the one that was dialled first last.
    first: Mutex<usize>,
}

/// The order for one tunnel: places in the configuration's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order(Vec<usize>);

/// One relay, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayView {
    /// Its URL.
    pub url: String,
    /// Whether it answered when it was last asked or dialled; `None` before that.
    pub answers: Option<bool>,
    /// Time to it and back.
    pub rtt: Option<Duration>,
}

impl Relays {
    /// Takes the relays in the order of the configuration; there must be one.
    pub fn new(relays: Vec<AgentRelay>) -> Self {
        Self(Arc::new(Inner { relays, first: Mutex::new(0) }))
    }

    /// All of them, in the order of the configuration.
    pub fn all(&self) -> &[AgentRelay] {
        &self.0.relays
    }

    /// The order in which a new tunnel's ends try them: the nearest first, those that do not answer last.
    pub fn order(&self) -> Order {
        let now = Instant::now();
        let facts: Vec<Fact> = self.all().iter().map(|relay| Fact::of(&relay.known.now(), now)).collect();
        let mut first = self.0.first.lock().unwrap_or_else(PoisonError::into_inner);
        let order = order::order(&facts, *first);
        *first = order.first().copied().unwrap_or_default();
        Order(order)
    }

    /// The relays in an order.
    pub fn in_order(&self, order: &Order) -> Vec<AgentRelay> {
        order.0.iter().filter_map(|place| self.all().get(*place)).cloned().collect()
    }

    /// What is known of each.
    pub fn views(&self) -> Vec<RelayView> {
        let view = |relay: &AgentRelay| {
            let known = relay.known.now();
            RelayView {
                url: relay.endpoint.url.to_string(),
                answers: known.outcome.map(|outcome| outcome == Outcome::Stood),
                rtt: known.rtt,
            }
        };
        self.all().iter().map(view).collect()
    }

    /// What is wrong, when each of them failed when it was last asked or dialled: no exit comes then, in no region.
    pub fn blocked(&self) -> Option<Problem> {
        problems::blocking(self)
    }

    /// Waits until each has answered once or failed, where there is a choice, and not for long.
    pub async fn measured(&self) {
        if self.all().len() < 2 {
            return;
        }
        let all = async {
            for relay in self.all() {
                let mut known = relay.known.watch();
                // The sender lives in the relay that is borrowed here.
                let _told = known.wait_for(|known| known.outcome.is_some()).await;
            }
        };
        let _in_time = timeout(FIRST_MEASURE, all).await;
    }
}

impl Order {
    /// The place in the configuration's list of the relay at this place of the order.
    pub fn place(&self, of: usize) -> Option<usize> {
        self.0.get(of).copied()
    }
}
