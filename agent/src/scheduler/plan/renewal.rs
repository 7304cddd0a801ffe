//! Which exits pass the function's time limit in the same instance.
//!
//! Never: a drainer is not renewed into the last slot, so that the oldest exit of a full region ends by itself; except where
//! the region needs no slot for a successor any more.

use super::decision::Action;
use super::pass::Pass;
use super::settings::{Frequency, Renew};
use super::view::{ExitId, ExitView, RenewalProgress};
use crate::exits::state::Reason;
use crate::scheduler::time::Timestamp;

impl Pass<'_> {
    /// Orders at most one renewal, the most urgent one; the oldest deadline goes first.
    pub(super) fn renew(&mut self) {
        let mut exits = self.open_exits();
        exits.sort_by_key(|exit| (exit.deadline, exit.id));
        for exit in exits {
            // An earlier turn of this loop may have taken its slot.
            if !self.exits.iter().any(|other| other.id == exit.id && other.is_open()) {
                continue;
            }
            match self.renewal_at(&exit) {
                Some(at) if at <= self.now || exit.asked => self.renew_if_possible(&exit),
                Some(at) => self.wake_at(at),
                None if exit.asked && exit.is_draining() => self.end(exit.id, Reason::Deadline),
                None => {}
            }
        }
    }

    /// Whether the exit's instance would take a renewal, as far as is known.
    pub(super) fn may_be_renewed(&self, exit: &ExitView) -> bool {
        self.settings.renew == Renew::Auto
            && exit.is_open()
            && (exit.is_active() || exit.is_draining())
            && exit.renewal == RenewalProgress::None
            && (self.state.generation.is_none() || exit.generation == self.state.generation)
    }

    /// Whether this exit, which accepts, is renewed at its end instead of being replaced.
    pub(super) fn lives_by_renewal(&self, exit: &ExitView) -> bool {
        self.settings.frequency == Frequency::Never
            && self.settings.renew == Renew::Auto
            && self.state.request.is_none()
            && match exit.renewal {
                RenewalProgress::UnderWay => true,
                _ => !self.state.distrusts_renewal(self.now) && self.may_be_renewed(exit),
            }
    }

    /// Whether a drainer's streams are to be carried past its function's limit.
    pub(super) fn is_carried(&self, exit: &ExitView) -> bool {
        let function_goes = exit.deadline.before(self.settings.question_lead());
        let time_to_drain = exit.drain_limit(self.settings).is_some_and(|limit| limit > function_goes);
        exit.is_old() && exit.is_moving() && time_to_drain && self.may_be_renewed(exit)
    }

    /// When a carried drainer's renewal is due.
    pub(super) fn carrying_at(&self, exit: &ExitView) -> Timestamp {
        exit.deadline.before(self.settings.renewal_lead())
    }

    /// When to renew this exit, if it is to be renewed at all.
    fn renewal_at(&self, exit: &ExitView) -> Option<Timestamp> {
        let is_acceptor = self.is_to_accept(exit);
        if !self.may_be_renewed(exit) {
            None
        } else if is_acceptor && (self.lives_by_renewal(exit) || self.is_full_of_others()) {
            Some(exit.deadline.before(self.settings.lead()))
        } else if is_acceptor || self.is_carried(exit) {
            // The acceptor: its successor should have been here long ago.
            Some(self.carrying_at(exit))
        } else {
            None
        }
    }

    /// Whether this exit accepts, or will again once an Invoke has woken its function.
    fn is_to_accept(&self, exit: &ExitView) -> bool {
        let accepts = self.acceptor().is_some_and(|acceptor| acceptor.id == exit.id);
        accepts || (exit.kept && exit.is_active())
    }

    /// No slot for a successor, and none that could be made without cutting a stream.
    fn is_full_of_others(&self) -> bool {
        let spare = |exit: &ExitView| exit.ending || (exit.is_draining() && !exit.is_moving());
        !self.has_free_slot() && !self.exits.iter().any(spare) && !self.exits.iter().any(|exit| exit.state.is_starting())
    }

    fn renew_if_possible(&mut self, exit: &ExitView) {
        // A function that was answered is frozen: its tunnel pairs again when it was invoked, not before.
        let can_hear = exit.kept || exit.unpaired_for.is_none();
        if self.busy || !self.may_invoke || !can_hear {
            return self.recheck();
        }
        if self.is_to_accept(exit) || self.has_free_slot() || self.winding_down {
            self.order_renewal(exit.id);
        } else if !self.a_slot_is_coming() {
            self.end_a_silent_one();
        }
    }

    fn order_renewal(&mut self, id: ExitId) {
        self.busy = true;
        let slot = self.has_free_slot() && !self.winding_down;
        self.actions.push(Action::Renew { id, slot });
        if let Some(exit) = self.exits.iter_mut().find(|exit| exit.id == id) {
            exit.renewal = RenewalProgress::UnderWay;
            exit.asked = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::scenarios::defaults;
    use super::super::{ExitView, RegionState, RegionView, Streams, plan};
    use super::*;
    use crate::exits::state::{ExitState, Reason};
    use crate::scheduler::time::Timestamp;

    const SECOND: Duration = Duration::from_secs(1);

    /// An accepting exit whose tunnel has been down for two seconds, and whose function asked ten seconds before its end.
    fn unpaired(now: Timestamp, kept: bool) -> RegionView {
        let exit = ExitView {
            id: ExitId(1),
            state: ExitState::Active,
            invoked_at: now.before(defaults().timeout),
            ready_at: Some(now.before(defaults().timeout)),
            starting_for: Duration::ZERO,
            deadline: now + 10 * SECOND,
            unpaired_for: Some(2 * SECOND),
            streams: Streams { open: 1, ..Streams::default() },
            generation: Some(1),
            replaced_at: None,
            asked: true,
            kept,
            renewal: RenewalProgress::None,
            ending: false,
        };
        RegionView { exits: vec![exit], ..RegionView::default() }
    }

    #[test]
    fn a_frozen_function_whose_renewal_failed_is_kept_for_the_next_invoke_within_grace() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let ends_among = |others: u64, kept, after| {
            let mut view = unpaired(now, kept);
            view.exits[0].renewal = RenewalProgress::Failed;
            let other = |id| ExitView { id: ExitId(id + 2), state: ExitState::Draining, kept: false, ..view.exits[0].clone() };
            let others: Vec<ExitView> = (0..others).map(other).collect();
            view.exits.extend(others);
            let actions = plan(now + after, &defaults(), &mut RegionState::new(now), &view).actions;
            actions.contains(&Action::End(ExitId(1), Reason::Deadline))
        };
        let ends = |kept, after| ends_among(0, kept, after);
        let life = 10 * SECOND;
        assert!(ends(false, life), "its function's time is over");
        assert!(!ends(true, life + defaults().grace - SECOND));
        assert!(ends(true, life + defaults().grace));
        assert!(ends_among(defaults().max_per_region as u64 - 1, true, life), "no slot is left for an Invoke");
    }

    #[test]
    fn a_function_that_was_answered_is_invoked_although_its_tunnel_is_down() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let renewed = |kept| plan(now, &defaults(), &mut RegionState::new(now), &unpaired(now, kept)).actions;
        assert!(renewed(true).contains(&Action::Renew { id: ExitId(1), slot: true }));
        assert!(!renewed(false).iter().any(|action| matches!(action, Action::Renew { .. })), "it could not hear of it");
    }
}
