//! Carries out the planner's orders in the simulated region, each checked against what must always hold.

use std::time::Duration;

use super::{END_TAKES, Exit, Fate, World};
use crate::exits::state::{ExitState, Reason};
use crate::scheduler::plan::{Action, ExitId, ExitView, Renew, RenewalProgress, Settings, Streams};
use crate::scheduler::time::Timestamp;

impl World {
    pub(super) fn carry_out(&mut self, action: Action) {
        self.log.push((self.now, action));
        match action {
            Action::Invoke { .. } => self.invoke(),
            Action::Activate(id) | Action::Undrain(id) => {
                let exit = self.find(id);
                assert!(exit.view.is_steady(), "chose an unpaired exit");
                assert_eq!(exit.view.state == ExitState::Ready, action == Action::Activate(id));
                exit.view.state.activate().expect("legal");
            }
            Action::Drain(id) => {
                let order = self.find(id).view.order();
                assert!(self.acceptor().is_some_and(|exit| exit.view.order() > order), "nothing newer accepts");
                let now = self.now;
                let exit = self.find(id);
                exit.view.state.drain().expect("legal");
                exit.view.replaced_at.get_or_insert(now);
            }
            Action::Renew { id, slot } => self.renew(id, slot),
            Action::End(id, reason) => self.end(id, reason),
            Action::RaiseGeneration => self.raise_generation(),
        }
    }

    fn invoke(&mut self) {
        assert!(!self.is_busy(), "two invocations in their start phase");
        assert!(!self.winding_down, "an exit for streams that do not come");
        assert!(self.exits.len() < self.settings.max_per_region, "more exits than the maximum");
        assert!(self.may_invoke && self.state.backoff.retry_at(self.now).is_none(), "invoked although told to wait");
        self.names += 1;
        let fate = (self.weather.fate != Fate::Hangs).then_some((self.now + self.weather.start_takes, self.weather.fate));
        self.exits.push(Exit {
            view: new_exit(self.names, self.now, &self.settings),
            streams: Vec::new(),
            started: self.awake,
            fate,
            renewal: None,
            unpaired: None,
            asked_at: None,
            gone_at: None,
        });
    }

    fn renew(&mut self, id: ExitId, slot: bool) {
        assert!(!self.is_busy(), "two invocations in their start phase");
        let has_slot = self.exits.len() < self.settings.max_per_region;
        assert_eq!(slot, has_slot && !self.winding_down);
        let accepts = self.acceptor().is_some_and(|exit| exit.view.id == id);
        assert!(accepts || has_slot || self.winding_down, "a drainer was renewed in a full region");
        assert!(self.settings.renew == Renew::Auto && self.may_invoke);
        let generation = self.generation;
        let decided = (self.now + self.weather.start_takes, self.weather.renewals_work);
        let exit = self.find(id);
        assert!(accepts || exit.view.is_moving(), "a silent drainer was renewed");
        assert!(exit.view.unpaired_for.is_none() && exit.view.generation == Some(generation));
        exit.view.renewal = RenewalProgress::UnderWay;
        exit.view.asked = false;
        exit.asked_at = None;
        exit.renewal = Some(decided);
    }

    fn end(&mut self, id: ExitId, reason: Reason) {
        let (now, drain, winding_down) = (self.now, self.settings.drain, self.winding_down);
        let last_moment = now + self.settings.lead();
        let full = self.exits.len() >= self.settings.max_per_region;
        let pressed = full && self.acceptor().is_some_and(|exit| exit.view.id != id && exit.view.deadline <= last_moment);
        let exit = self.find(id);
        assert!(!exit.view.ending, "ended twice");
        exit.view.ending = true;
        exit.gone_at = Some(now + END_TAKES);
        let allowed = match reason {
            Reason::Deadline => exit.view.deadline <= now || exit.view.asked,
            Reason::DrainLimit => exit.view.replaced_at.is_some_and(|at| at + drain <= now),
            Reason::LastSlot => pressed && exit.view.state == ExitState::Draining,
            Reason::Idle => true,
            Reason::Shutdown => !winding_down || exit.streams.is_empty(),
            _ => false,
        };
        assert!(allowed || !exit.view.is_moving(), "cut a running stream: {reason}");
    }

    fn raise_generation(&mut self) {
        let bounded = self.last_raise.is_some_and(|at| self.now < at + Duration::from_secs(3600));
        assert!(!bounded || self.fresh_requested, "raised twice within an hour");
        self.fresh_requested = false;
        self.raise = Some(self.now);
    }
}

/// An exit as it is when its invocation was just made.
fn new_exit(id: u64, now: Timestamp, settings: &Settings) -> ExitView {
    ExitView {
        id: ExitId(id),
        state: ExitState::Invoked,
        invoked_at: now,
        ready_at: None,
        starting_for: Duration::ZERO,
        deadline: now + settings.timeout,
        unpaired_for: None,
        streams: Streams::default(),
        generation: None,
        replaced_at: None,
        asked: false,
        kept: false,
        renewal: RenewalProgress::None,
        ending: false,
    }
}
