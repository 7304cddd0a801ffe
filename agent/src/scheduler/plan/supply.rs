//! When a region needs another exit, and whether there is a slot for it.
//!
//! Never: no invocation while another is in its start phase, and none beyond the maximum.

use std::time::Duration;

use super::decision::{Action, Why};
use super::memory::{Request, STABLE, Wanted};
use super::pass::Pass;
use super::settings::Frequency;
use super::view::{ExitView, REPLACE, RenewalProgress};
use crate::exits::state::ExitState;
use crate::scheduler::idle::SPREAD;

/// No rotation is begun this shortly before a drainer's renewal is due, which would have to wait for its start phase.
const RENEWAL_FIRST: Duration = Duration::from_secs(10);

/// What another exit is needed for, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// There is none, or its tunnel is down.
    Missing,
    /// The one there is nears its end.
    NearEnd,
    /// The user asked.
    Asked,
    /// The frequency says so.
    Due,
}

impl Pass<'_> {
    /// Orders an invocation if one is needed and possible, or makes room for it.
    pub(super) fn supply(&mut self) {
        let Some(need) = self.need() else { return };
        if self.busy || !self.may_invoke || self.must_wait() {
            return;
        }
        match need {
            Need::Missing | Need::NearEnd => self.supply_urgently(need),
            Need::Asked | Need::Due => self.rotate(need),
        }
    }

    fn need(&mut self) -> Option<Need> {
        let Some(newest) = self.newest() else { return Some(Need::Missing) };
        let near_end = newest.deadline.before(self.settings.lead());
        let due = match self.settings.frequency {
            // The clock was set back: how long ago that was cannot be told.
            Frequency::Every(_) if newest.invoked_at > self.now + SPREAD => Some(self.now),
            Frequency::Every(span) => Some((newest.invoked_at + span).min(near_end)),
            Frequency::Never if self.lives_by_renewal(&newest) => None,
            Frequency::Never => Some(near_end),
        };
        self.next_rotation = due;
        self.wake_at(due);
        self.wake_at(due.map(|_| near_end));
        if newest.is_unpaired_for(REPLACE) {
            Some(Need::Missing)
        } else if due.is_some() && near_end <= self.now {
            Some(Need::NearEnd)
        } else if self.state.request.is_some() {
            Some(Need::Asked)
        } else {
            due.filter(|at| *at <= self.now).map(|_| Need::Due)
        }
    }

    /// The newest exit that accepts, or would if its tunnel were up; one that only stands in does not count.
    fn newest(&self) -> Option<ExitView> {
        let open = self.exits.iter().filter(|exit| exit.is_open() && !exit.is_old());
        let usable = open.filter(|exit| matches!(exit.state, ExitState::Ready | ExitState::Active));
        usable.max_by_key(|exit| exit.order()).cloned()
    }

    /// Whether the region's turn has not come, or a failure demands patience.
    fn must_wait(&mut self) -> bool {
        // Where the clock was set back, a turn is still no further off than turns ever are.
        self.state.not_before = self.state.not_before.min(self.now + SPREAD);
        let waits = [Some(self.state.not_before), self.state.backoff.retry_at(self.now)];
        waits.into_iter().for_each(|at| self.wake_at(at));
        waits.into_iter().flatten().any(|at| at > self.now)
    }

    fn supply_urgently(&mut self, need: Need) {
        if self.has_free_slot() {
            self.invoke(need);
        } else if !self.a_slot_is_coming() && !self.end_a_silent_one() {
            self.make_room(need);
        }
    }

    /// All slots are taken by exits that carry something.
    fn make_room(&mut self, need: Need) {
        if need == Need::Missing && self.end_an_empty_unpaired_one() {
            return;
        }
        // Without an acceptor all tunnels are down, which is no reason to give up streams that may come back.
        let Some(acceptor) = self.acceptor().cloned() else { return };
        let last_moment = acceptor.deadline.before(self.settings.last_slot_lead());
        if last_moment > self.now {
            self.wake_at(last_moment);
        } else if acceptor.renewal != RenewalProgress::UnderWay {
            self.end_the_oldest_drainer();
        }
    }

    fn rotate(&mut self, need: Need) {
        if self.rotation_has_slot(need) {
            if !self.a_renewal_comes_first() && !self.awaits_generation() {
                self.invoke(need);
            }
        } else if !self.a_slot_is_coming() {
            self.rotation_waits = !self.end_a_silent_one();
        }
    }

    /// The last free slot is for the acceptor's successor. Rotation may have it where the region will not stay full: when the
    /// acceptor goes as soon as it is replaced, or no older exit is carried on beyond the new one's end. What the user asks for
    /// takes any slot.
    fn rotation_has_slot(&self, need: Need) -> bool {
        let leaves_one = self.live() + 1 < self.settings.slots();
        let stays_full = || self.exits.iter().any(|exit| self.outlives_a_new_one(exit)) && self.acceptor_stays();
        self.has_free_slot() && (leaves_one || need == Need::Asked || !stays_full())
    }

    fn outlives_a_new_one(&self, exit: &ExitView) -> bool {
        let limit = exit.drain_limit(self.settings).unwrap_or(exit.deadline);
        self.is_carried(exit) && limit > self.now + self.settings.timeout
    }

    fn acceptor_stays(&self) -> bool {
        self.acceptor().is_some_and(ExitView::carries_long_stream)
    }

    fn a_renewal_comes_first(&mut self) -> bool {
        let carried = self.exits.iter().filter(|exit| self.is_carried(exit));
        let first = carried.map(|exit| self.carrying_at(exit)).min();
        self.wake_at(first);
        let margin = RENEWAL_FIRST.min(self.settings.timeout / 8);
        first.is_some_and(|at| at.before(margin) <= self.now)
    }

    fn invoke(&mut self, need: Need) {
        let why = match need {
            Need::Asked => Why::Manual,
            Need::NearEnd | Need::Due => Why::Rotation,
            Need::Missing if self.state.was_ready => Why::Replacement,
            Need::Missing if self.state.wanted == Wanted::Again => Why::Wake,
            Need::Missing => Why::First,
        };
        self.busy = true;
        self.actions.push(Action::Invoke { why, fresh: self.state.care.expects_new() });
    }

    /// Failures, once a later exit has proved itself; a request, once it was fulfilled.
    pub(super) fn forget_what_is_settled(&mut self) {
        let proven = self.exits.iter().filter_map(|exit| exit.ready_at).filter(|at| *at + STABLE <= self.now).max();
        if let Some(at) = proven {
            self.state.backoff.succeed(at);
        }
        let fulfils = |exit: &ExitView, request: &Request| {
            let since = if request.fresh { Some(exit.invoked_at) } else { exit.ready_at };
            exit.is_open() && exit.ready_at.is_some() && since >= Some(request.at)
        };
        if self.state.request.is_some_and(|request| self.exits.iter().any(|exit| fulfils(exit, &request))) {
            self.state.request = None;
        }
    }
}
