//! Exits that pass their function's time limit, as the supervisor sees it: orders out, outcomes in, and which instances
//! every invitation must name.

use std::time::Duration;

use super::Supervisor;
use super::exit::{Exit, pool_id};
use crate::cloud::Cloud;
use crate::exits::actor::{self, Invocation, Landed, Order, Renewed, Roster};
use crate::exits::state::Phase;
use crate::health::{Problem, ProblemKey, Severity};
use crate::scheduler::plan::{ExitId, RenewalProgress};

impl<C: Cloud> Supervisor<C> {
    pub(super) fn renew(&mut self, id: ExitId, slot: bool) {
        let Some(exit) = self.exits.get_mut(&id) else { return };
        (exit.renewal, exit.asked) = (RenewalProgress::UnderWay, false);
        tracing::info!(region = self.regions[exit.region].name, exit = %pool_id(id), "renewing");
        exit.handle.order(Order::Renew { slot });
    }

    pub(super) fn on_renewed(&mut self, id: ExitId, renewed: Renewed) {
        let Some(exit) = self.exits.get_mut(&id) else { return };
        let now = super::now();
        exit.renewal = RenewalProgress::None;
        (exit.asked, exit.kept) = (false, false);
        exit.renewals += 1;
        exit.deadline = now.before(renewed.invoked) + self.settings.timeout;
        let region = &mut self.regions[exit.region];
        region.memory.on_renewal(now, true);
        self.health.clear(&problem_key(&region.name));
        let ms = renewed.took.map(|took| took.as_millis() as u64);
        tracing::info!(region = region.name, exit = %pool_id(id), ms, renewals = exit.renewals, "exit renewed");
        let of_region = exit.region;
        self.works_again(of_region);
        if renewed.borrowed {
            self.tell_the_invoker(of_region, id);
        }
    }

    /// At most one Invoke of a region is in its start phase: that is the one which reached this exit.
    fn tell_the_invoker(&self, region: usize, reached: ExitId) {
        let meant = |exit: &&Exit| exit.region == region && exit.id != reached && exit.is_in_start_phase();
        if let Some(exit) = self.exits.values().find(meant) {
            tracing::info!(exit = %pool_id(reached), meant_for = %exit.pool_id(), "an Invoke reached another instance");
            exit.handle.order(Order::Elsewhere(reached));
        }
    }

    pub(super) fn on_forwarded(&self, to: ExitId, invocation: Invocation) {
        if let Some(exit) = self.exits.get(&to) {
            exit.handle.order(Order::Adopt(invocation));
        }
    }

    pub(super) fn on_renewal_failed(&mut self, id: ExitId, cause: &str, took: Duration) {
        let Some(exit) = self.exits.get_mut(&id) else { return };
        exit.renewal = RenewalProgress::Failed;
        let region = &mut self.regions[exit.region];
        region.memory.on_renewal(super::now(), false);
        tracing::warn!(region = region.name, exit = %pool_id(id), cause, ms = took.as_millis() as u64, "renewal failed");
        self.health.set(problem_key(&region.name), problem(&region.name, cause));
    }

    /// Another instance came instead: it becomes an exit of its own.
    pub(super) fn on_landed(&mut self, meant_for: ExitId, landed: Landed) {
        let Some(index) = self.exits.get(&meant_for).map(|exit| exit.region) else { return };
        let post = self.post(index);
        let id = post.id;
        tracing::info!(region = post.region, exit = %pool_id(id), meant_for = %pool_id(meant_for), "another instance came");
        let handle = actor::spawn_landed(self.outfit.clone(), post, landed);
        self.exits.insert(id, Exit::new(id, index, handle, super::now(), self.settings.timeout));
    }

    /// Tells the exits of a region which of its instances hold tunnels. One that is told to end is in no list: should an
    /// Invoke reach its instance, that is free.
    pub(super) fn publish_roster(&self, index: usize) {
        let mut roster = Roster::default();
        for exit in self.exits.values().filter(|exit| exit.region == index && !exit.ending) {
            let Some(known) = &exit.ready else { continue };
            let waits = exit.kept || exit.renewal == RenewalProgress::UnderWay;
            if waits { roster.renew.push(known.nonce) } else { roster.live.push(known.nonce) }
        }
        self.regions[index].roster.send_if_modified(|old| {
            let changed = *old != roster;
            *old = roster;
            changed
        });
    }
}

/// A region has one such problem at a time: its last renewal, if that failed.
fn problem_key(region: &str) -> ProblemKey {
    ProblemKey::of("renewal_failed", region)
}

fn problem(region: &str, cause: &str) -> Problem {
    Problem {
        code: "renewal_failed".to_owned(),
        severity: Severity::Warning,
        region: Some(region.to_owned()),
        phase: Some(Phase::Renew.name().to_owned()),
        text: format!("an exit could not be renewed: {cause}"),
        hint: Some("exits are replaced before their time limit instead; streams that run then end with their exit".to_owned()),
    }
}
