//! What the planner remembers of a region between two plans, and the events that change it.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use super::decision::RenewalStatus;
use super::fresh::Care;
use crate::scheduler::backoff::{Backoff, FailureKind, Jitter};
use crate::scheduler::time::Timestamp;

/// An exit that lived this long after it became ready proves that the region works; one lost earlier counts as a failed start,
/// so that a function which crashes at its first stream is not invoked in a tight loop.
pub(super) const STABLE: Duration = Duration::from_secs(30);
/// After a failed renewal the accepting exit is replaced rather than renewed for this long: about one life of an exit.
const RENEWAL_RETRY: Duration = Duration::from_secs(10 * 60);
/// How many of the region's last addresses count as "seen before": what a handful of warm instances can have.
const ADDRESSES: usize = 8;

/// Whether the region is to have an exit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// For the first time.
    First,
    /// After it had lapsed.
    Again,
    /// None, for lack of use.
    Lapsed,
    /// None, for the agent ends.
    Stopped,
}

/// A rotation that the user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Request {
    /// When; or when the generation was raised for it.
    pub(super) at: Timestamp,
    /// With a new address.
    pub(super) fresh: bool,
}

/// What the planner remembers of one region.
#[derive(Debug, Clone)]
pub struct RegionState {
    pub(super) wanted: Wanted,
    /// Nothing is invoked before this: the region's place in the staggered start.
    pub(super) not_before: Timestamp,
    pub(super) was_ready: bool,
    pub(super) backoff: Backoff,
    pub(super) request: Option<Request>,
    pub(super) renewal: RenewalStatus,
    renewal_failed_at: Option<Timestamp>,
    pub(super) generation: Option<u64>,
    pub(super) care: Care,
    addresses: VecDeque<IpAddr>,
}

impl RegionState {
    /// A region whose first exit may be invoked from `not_before` on.
    pub fn new(not_before: Timestamp) -> Self {
        Self {
            wanted: Wanted::First,
            not_before,
            was_ready: false,
            backoff: Backoff::default(),
            request: None,
            renewal: RenewalStatus::Unknown,
            renewal_failed_at: None,
            generation: None,
            care: Care::default(),
            addresses: VecDeque::with_capacity(ADDRESSES),
        }
    }

    /// An invocation did not lead to a ready exit. To be called once for each, whatever the reason, except those that the
    /// planner ended for [`Reason::Idle`](crate::exits::state::Reason::Idle) or at shutdown.
    pub fn on_start_failed(&mut self, now: Timestamp, kind: FailureKind, jitter: Jitter) {
        self.backoff.fail(now, kind, jitter);
    }

    /// An exit became ready.
    pub fn on_ready(&mut self) {
        self.was_ready = true;
        self.backoff.start_succeeded();
        self.care.on_ready();
    }

    /// An exit that had become ready ended by a fault `lived` after that. The function's time limit is no fault, nor is an end
    /// that the planner ordered.
    pub fn on_exit_lost(&mut self, now: Timestamp, lived: Duration, jitter: Jitter) {
        if lived < STABLE {
            self.backoff.fail(now, FailureKind::Retryable, jitter);
        }
    }

    /// The user wants a new exit now: a failure that he may have mended is no longer waited for.
    pub fn on_rotate_requested(&mut self, now: Timestamp, fresh: bool) {
        self.backoff.retry_now(now);
        self.request = Some(Request { at: now, fresh });
        if fresh {
            self.care.on_requested();
        }
    }

    /// A renewal was decided.
    pub fn on_renewal(&mut self, now: Timestamp, worked: bool) {
        self.renewal = if worked { RenewalStatus::Works } else { RenewalStatus::Fails };
        self.renewal_failed_at = (!worked).then_some(now);
    }

    /// A new exit told its address. Says whether one of the region's last exits had it too.
    pub fn on_address(&mut self, address: IpAddr) -> bool {
        let seen = self.addresses.contains(&address);
        self.addresses.retain(|known| *known != address);
        if self.addresses.len() == ADDRESSES {
            self.addresses.pop_front();
        }
        self.addresses.push_back(address);
        self.care.on_address(seen);
        seen
    }

    /// A generation that was seen, at an exit or in the function's environment. Generations only grow: an exit that was invoked
    /// before a raise and became ready after it changes nothing.
    pub fn on_generation(&mut self, generation: u64) {
        self.generation = self.generation.max(Some(generation));
    }

    /// What came of [`Action::RaiseGeneration`](super::Action::RaiseGeneration): the new generation, or nothing.
    pub fn on_generation_raised(&mut self, now: Timestamp, generation: Option<u64>) {
        self.care.on_raise_decided(now, generation.is_some());
        self.generation = self.generation.max(generation);
        if let Some(request) = self.request.as_mut().filter(|request| request.fresh) {
            request.at = now;
        }
    }

    /// Nobody uses the proxy: all exits end.
    pub fn lapse(&mut self) {
        if self.wanted != Wanted::Stopped {
            self.wanted = Wanted::Lapsed;
            self.request = None;
        }
    }

    /// Somebody does again; the region's turn comes at `not_before`.
    pub fn wake(&mut self, not_before: Timestamp) {
        if self.wanted == Wanted::Lapsed {
            self.wanted = Wanted::Again;
            self.was_ready = false;
            self.not_before = not_before;
        }
    }

    /// The agent ends: all exits end, and nothing is invoked any more.
    pub fn stop(&mut self) {
        self.wanted = Wanted::Stopped;
    }

    pub(super) fn is_wanted(&self) -> bool {
        matches!(self.wanted, Wanted::First | Wanted::Again)
    }

    /// Whether the accepting exit is better replaced than renewed.
    pub(super) fn distrusts_renewal(&self, now: Timestamp) -> bool {
        self.renewal_failed_at.is_some_and(|at| now < at + RENEWAL_RETRY)
    }
}
