//! Which exits end, and for whose slot.
//!
//! Never: no exit with a running stream ends here except at its function's limit, its drain limit, or when its slot is the
//! last one for an exit that accepts. Grace is the link's to count: it knows of time not run, and of dials under way.

use std::time::Duration;

use super::pass::Pass;
use super::view::{ExitId, ExitView, REPLACE, RenewalProgress, SILENCE};
use crate::exits::state::Reason;
use crate::scheduler::time::Timestamp;

/// A start that takes longer has failed: a cold start with its dial and handshake takes a few seconds, at worst ten.
const START_LIMIT: Duration = Duration::from_secs(30);

impl Pass<'_> {
    /// Ends everything, since no exit is wanted.
    pub(super) fn end_all(&mut self, reason: Reason) {
        let open: Vec<ExitId> = self.exits.iter().filter(|exit| exit.is_open()).map(|exit| exit.id).collect();
        open.into_iter().for_each(|id| self.end(id, reason));
    }

    /// Ends what no stream needs any more, where no new ones come.
    pub(super) fn end_what_carries_nothing(&mut self) {
        for exit in self.open_exits().into_iter().filter(|exit| exit.streams.open == 0) {
            self.end(exit.id, Reason::Shutdown);
        }
    }

    /// Ends what is over whatever else the region holds.
    pub(super) fn end_what_is_over(&mut self) {
        for exit in self.open_exits() {
            match self.is_over(&exit) {
                Some(reason) => self.end(exit.id, reason),
                None => self.watch_limits(&exit),
            }
        }
    }

    /// Ends draining exits that have nothing left to do or no time left to do it.
    pub(super) fn end_what_has_drained(&mut self) {
        for exit in self.open_exits().into_iter().filter(ExitView::is_draining) {
            let limit = exit.drain_limit(self.settings);
            if exit.streams.open == 0 {
                self.end(exit.id, Reason::Done);
            } else if limit.is_some_and(|at| at <= self.now) {
                self.end(exit.id, Reason::DrainLimit);
            } else {
                self.wake_at(limit);
            }
        }
    }

    /// Makes a slot free if that harms nobody: ends the oldest draining exit whose streams are all silent.
    pub(super) fn end_a_silent_one(&mut self) -> bool {
        let silent = self.oldest(|exit| exit.is_draining() && !exit.is_moving());
        let found = silent.map(|id| self.end(id, Reason::SlotNeeded)).is_some();
        if !found {
            self.watch_silence();
        }
        found
    }

    /// Makes a slot free by ending an exit that carries nothing and whose tunnel is down.
    pub(super) fn end_an_empty_unpaired_one(&mut self) -> bool {
        let empty = self.oldest(|exit| exit.is_unpaired_for(REPLACE) && exit.streams.open == 0 && !exit.state.is_starting());
        empty.map(|id| self.end(id, Reason::Lost)).is_some()
    }

    /// Makes a slot free at the expense of the oldest draining exit.
    pub(super) fn end_the_oldest_drainer(&mut self) {
        if let Some(id) = self.oldest(ExitView::is_draining) {
            self.end(id, Reason::LastSlot);
        }
    }

    pub(super) fn open_exits(&self) -> Vec<ExitView> {
        self.exits.iter().filter(|exit| exit.is_open()).cloned().collect()
    }

    fn oldest(&self, wanted: impl Fn(&ExitView) -> bool) -> Option<ExitId> {
        let open = self.exits.iter().filter(|exit| exit.is_open());
        open.filter(|exit| wanted(exit)).min_by_key(|exit| exit.order()).map(|exit| exit.id)
    }

    /// A start has its own limit, also where its function's is shorter: the answer that tells why it failed comes only then.
    fn is_over(&self, exit: &ExitView) -> Option<Reason> {
        if exit.state.is_starting() {
            (exit.starting_for >= START_LIMIT).then_some(Reason::StartTimeout)
        } else {
            (self.now >= self.latest_end(exit)).then_some(Reason::Deadline)
        }
    }

    /// A renewal that is under way may be decided after the old invocation's end, within grace. One that has failed leaves
    /// an answered function frozen with its tunnel, where no time limit runs: the Invoke that the region needs may yet wake
    /// it.
    fn latest_end(&self, exit: &ExitView) -> Timestamp {
        let outlives = exit.renewal == RenewalProgress::UnderWay || (exit.kept && self.an_invoke_is_to_come_beside(exit));
        if outlives { exit.deadline + self.settings.grace } else { exit.deadline }
    }

    /// Whether the region invokes, or will, since no other exit accepts.
    fn an_invoke_is_to_come_beside(&self, exit: &ExitView) -> bool {
        let mut others = self.exits.iter().filter(|other| other.id != exit.id);
        let possible = self.has_free_slot() || self.exits.iter().any(|other| other.state.is_starting());
        possible && !others.any(|other| other.is_active() && other.is_steady())
    }

    fn watch_limits(&mut self, exit: &ExitView) {
        if exit.state.is_starting() {
            self.wake_when(exit.starting_for, START_LIMIT);
        } else {
            self.wake_at(self.latest_end(exit));
        }
    }

    /// A slot is needed: looks again when a draining exit may have fallen silent.
    fn watch_silence(&mut self) {
        for exit in self.open_exits().into_iter().filter(ExitView::is_draining) {
            self.wake_when(exit.streams.silent_for, SILENCE);
        }
        self.recheck();
    }
}
