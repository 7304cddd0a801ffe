//! The care for new addresses: when the generation is raised, so that later invocations start in new instances.
//!
//! Never: not while a stream depends on an exit's renewal, since an exit of an older generation cannot be renewed.

use std::time::Duration;

use super::decision::{Action, FreshStatus};
use super::pass::Pass;
use super::settings::Fresh;
use super::view::{ExitView, RenewalProgress};
use crate::scheduler::time::Timestamp;

/// Generations are raised at most this often per region, unless the user asks: each makes all warm instances useless.
const BOUND: Duration = Duration::from_secs(3600);
/// After a raise that AWS refused: long enough to bother nobody, far shorter than the bound.
const RETRY: Duration = Duration::from_secs(300);
/// A raise that takes longer no longer holds up rotation: AWS publishes a changed environment within seconds.
const RAISE_LIMIT: Duration = Duration::from_secs(60);

/// What is remembered of generations and addresses.
#[derive(Debug, Clone, Default)]
pub(super) struct Care {
    /// The newest exit's address was among the last ones, and nothing has been done about it.
    repeated: bool,
    /// The user asked for a new address, and nothing has been done about it.
    requested: bool,
    /// Before this no raise is made of the planner's own accord.
    bound: Option<Timestamp>,
    /// A raise is under way, and rotation waits for it until then.
    under_way: Option<Timestamp>,
    /// The generation was raised and no exit has become ready since.
    expects_new: bool,
}

impl Care {
    pub(super) fn on_address(&mut self, seen: bool) {
        self.repeated = seen;
    }

    pub(super) fn on_requested(&mut self) {
        self.requested = true;
    }

    pub(super) fn on_ready(&mut self) {
        self.expects_new = false;
    }

    pub(super) fn on_raise_decided(&mut self, now: Timestamp, raised: bool) {
        self.under_way = None;
        self.expects_new |= raised;
        self.repeated &= !raised;
        self.bind(now + if raised { BOUND } else { RETRY });
    }

    pub(super) fn expects_new(&self) -> bool {
        self.expects_new
    }

    fn start(&mut self, now: Timestamp) {
        self.requested = false;
        self.bind(now + RETRY);
        self.under_way = Some(now + RAISE_LIMIT);
    }

    fn bind(&mut self, until: Timestamp) {
        self.bound = self.bound.max(Some(until));
    }

    fn bound_after(&self, now: Timestamp) -> Option<Timestamp> {
        self.bound.filter(|until| *until > now)
    }

    fn under_way_after(&self, now: Timestamp) -> Option<Timestamp> {
        self.under_way.filter(|until| *until > now)
    }
}

impl Pass<'_> {
    /// Raises the generation as soon as the user asked for it or an address came again.
    pub(super) fn care_for_addresses(&mut self) {
        if self.state.care.requested {
            self.raise();
        } else if self.settings.fresh == Fresh::Auto && self.state.care.repeated {
            self.raise_within_bound();
        }
    }

    /// Whether rotation must wait for a new generation, which this orders first where one is wanted.
    pub(super) fn awaits_generation(&mut self) -> bool {
        self.care_for_addresses();
        if self.settings.fresh == Fresh::Always && !self.state.care.expects_new {
            self.raise_within_bound();
        }
        let until = self.state.care.under_way_after(self.now);
        self.wake_at(until);
        until.is_some()
    }

    pub(super) fn fresh_status(&self) -> FreshStatus {
        let care = &self.state.care;
        let repeated = care.repeated && self.settings.fresh != Fresh::Never;
        let bound = care.bound_after(self.now).is_some();
        match self.settings.fresh {
            Fresh::Never if !care.requested => FreshStatus::Off,
            _ if care.under_way_after(self.now).is_some() => FreshStatus::Ok,
            _ if repeated && bound && !care.requested => FreshStatus::Exhausted,
            _ if (repeated || care.requested) && self.a_stream_depends_on_renewal() => FreshStatus::Waiting,
            Fresh::Always if !bound && !care.expects_new && self.a_stream_depends_on_renewal() => FreshStatus::Waiting,
            _ => FreshStatus::Ok,
        }
    }

    fn raise_within_bound(&mut self) {
        let bound = self.state.care.bound_after(self.now);
        self.wake_at(bound);
        if bound.is_none() {
            self.raise();
        }
    }

    fn raise(&mut self) {
        if self.state.care.under_way_after(self.now).is_some() {
            return;
        }
        if self.a_stream_depends_on_renewal() {
            self.recheck();
        } else {
            self.state.care.start(self.now);
            self.actions.push(Action::RaiseGeneration);
        }
    }

    /// Whether some exit holds a stream older than a minute that only renewal can carry on.
    fn a_stream_depends_on_renewal(&self) -> bool {
        let depends = |exit: &ExitView| match exit.renewal {
            RenewalProgress::UnderWay => true,
            _ => !self.state.distrusts_renewal(self.now) && self.may_be_renewed(exit),
        };
        self.exits.iter().any(|exit| exit.carries_long_stream() && depends(exit))
    }
}
