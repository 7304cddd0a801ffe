//! One run of the planner: a working copy of the region in which every action is counted as done at once.

use std::time::Duration;

use super::decision::{Action, Plan, RegionStatus};
use super::memory::RegionState;
use super::settings::Settings;
use super::view::{ExitId, ExitView, RegionView, RenewalProgress};
use crate::exits::state::{ExitState, Reason};
use crate::scheduler::backoff::FailureKind;
use crate::scheduler::time::Timestamp;

/// How soon to look again at what changes without an event, such as streams falling silent, while something waits for it.
const RECHECK: Duration = Duration::from_secs(5);

/// The working copy and the decisions so far.
pub(super) struct Pass<'a> {
    pub(super) now: Timestamp,
    pub(super) settings: &'a Settings,
    pub(super) state: &'a mut RegionState,
    pub(super) exits: Vec<ExitView>,
    /// An Invoke is in its start phase, or was ordered in this run.
    pub(super) busy: bool,
    pub(super) may_invoke: bool,
    pub(super) winding_down: bool,
    pub(super) actions: Vec<Action>,
    pub(super) rotation_waits: bool,
    pub(super) next_rotation: Option<Timestamp>,
    wake: Option<Timestamp>,
}

impl<'a> Pass<'a> {
    pub(super) fn new(now: Timestamp, settings: &'a Settings, state: &'a mut RegionState, view: &RegionView) -> Self {
        let exits: Vec<ExitView> = view.exits.iter().filter(|exit| !exit.state.has_ended()).cloned().collect();
        let busy = view.invoke_in_start_phase || exits.iter().any(is_in_start_phase);
        Self {
            now,
            settings,
            state,
            exits,
            busy,
            may_invoke: view.may_invoke,
            winding_down: view.winding_down,
            actions: Vec::new(),
            rotation_waits: false,
            next_rotation: None,
            wake: None,
        }
    }

    pub(super) fn finish(self) -> Plan {
        Plan {
            status: self.status(),
            next_rotation: self.next_rotation,
            retry_at: self.state.backoff.retry_at(self.now),
            renewal: self.state.renewal,
            fresh: self.fresh_status(),
            wake_at: self.wake,
            actions: self.actions,
        }
    }

    /// Asks to be run again at `at`, if that is still to come.
    pub(super) fn wake_at(&mut self, at: impl Into<Option<Timestamp>>) {
        if let Some(at) = at.into().filter(|at| *at > self.now) {
            self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
        }
    }

    /// Asks to be run again when a span that the view measures will have grown from `is` to `until`.
    pub(super) fn wake_when(&mut self, is: Duration, until: Duration) {
        self.wake_at(self.now + until.saturating_sub(is));
    }

    /// Asks to be run again soon.
    pub(super) fn recheck(&mut self) {
        self.wake_at(self.now + RECHECK);
    }

    pub(super) fn end(&mut self, id: ExitId, reason: Reason) {
        self.change(id, |exit| exit.ending = true);
        self.actions.push(Action::End(id, reason));
    }

    pub(super) fn activate(&mut self, id: ExitId) {
        self.change(id, |exit| exit.state = ExitState::Active);
        self.actions.push(Action::Activate(id));
    }

    pub(super) fn undrain(&mut self, id: ExitId) {
        self.change(id, |exit| exit.state = ExitState::Active);
        self.actions.push(Action::Undrain(id));
    }

    pub(super) fn drain(&mut self, id: ExitId) {
        let now = self.now;
        self.change(id, |exit| {
            exit.state = ExitState::Draining;
            exit.replaced_at.get_or_insert(now);
        });
        self.actions.push(Action::Drain(id));
    }

    /// Exits that hold a slot: an ending one does until it is gone.
    pub(super) fn live(&self) -> usize {
        self.exits.len()
    }

    pub(super) fn has_free_slot(&self) -> bool {
        self.live() < self.settings.slots()
    }

    /// Whether a slot will be free soon without any doing.
    pub(super) fn a_slot_is_coming(&self) -> bool {
        self.exits.iter().any(|exit| exit.ending)
    }

    /// The newest exit that accepts new streams, the actions so far counted as done.
    pub(super) fn acceptor(&self) -> Option<&ExitView> {
        self.exits.iter().filter(|exit| exit.is_active() && exit.is_steady()).max_by_key(|exit| exit.order())
    }

    fn status(&self) -> RegionStatus {
        let retry_waits = self.state.backoff.retry_at(self.now).is_some();
        match self.state.backoff.last_kind() {
            _ if !self.state.is_wanted() => RegionStatus::Lapsed,
            _ if self.winding_down && self.acceptor().is_none() => RegionStatus::Lapsed,
            _ if self.acceptor().is_some() && self.rotation_waits => RegionStatus::RotationWaiting,
            _ if self.acceptor().is_some() => RegionStatus::Active,
            Some(FailureKind::Permanent) => RegionStatus::Failed,
            Some(_) if retry_waits => RegionStatus::Backoff,
            _ => RegionStatus::Starting,
        }
    }

    fn change(&mut self, id: ExitId, change: impl FnOnce(&mut ExitView)) {
        if let Some(exit) = self.exits.iter_mut().find(|exit| exit.id == id) {
            change(exit);
        }
    }
}

fn is_in_start_phase(exit: &ExitView) -> bool {
    exit.state.is_starting() || exit.renewal == RenewalProgress::UnderWay
}
