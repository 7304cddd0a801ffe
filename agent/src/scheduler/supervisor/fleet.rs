//! Reports in, actions out: how the fleet of exits changes.

use std::net::IpAddr;

use tunnel::link::LinkStatus;

use super::exit::{Ended, Exit, Known, pool_id};
use super::{ENDED_SHOWN, Supervisor, version};
use crate::cloud::{Cloud, CloudError};
use crate::exits::actor::{self, Fault, Order, Post, Ready, Report, Told};
use crate::exits::state::{ExitState, Reason};
use crate::exits::{ExitEntry, ExitView as Pooled, StreamStats, address};
use crate::scheduler::backoff::{FailureKind, Jitter};
use crate::scheduler::plan::{Action, ExitId, RegionView, Why, plan};
use crate::scheduler::time::Timestamp;

/// What an errand brought back.
#[derive(Debug)]
pub(super) enum Finding {
    /// The address that a site sees of this exit, or why that stays unknown.
    Address(ExitId, Result<IpAddr, address::Cause>),
    /// The region's new generation, or why there is none.
    Generation(usize, Result<u64, CloudError>),
    /// How many invocations the region allows at a time, if that can be learned.
    Concurrency(usize, Option<u32>),
}

impl<C: Cloud> Supervisor<C> {
    pub(super) fn on_report(&mut self, told: Told) {
        let Told { id, report } = told;
        if let Report::Ended(state, fault) = report {
            return self.on_ended(id, state, fault);
        }
        let Some(exit) = self.exits.get_mut(&id) else {
            tracing::debug!(exit = %pool_id(id), ?report, "an exit that is gone reported");
            return;
        };
        match report {
            Report::Paired => note(exit.state.paired()),
            Report::Ready(ready) => self.on_ready(id, ready),
            Report::Link(status) => self.on_link(id, &status),
            Report::Asked => exit.asked = true,
            Report::Kept => (exit.asked, exit.kept) = (true, true),
            Report::Renewed(renewed) => self.on_renewed(id, renewed),
            Report::RenewalFailed { cause, took, kept } => {
                exit.kept = kept;
                self.on_renewal_failed(id, &cause, took);
            }
            Report::Landed(landed) => self.on_landed(id, *landed),
            Report::Forward(to, invocation) => self.on_forwarded(to, invocation),
            Report::Ended(..) => {}
        }
    }

    fn on_ready(&mut self, id: ExitId, ready: Ready) {
        let Some(exit) = self.exits.get_mut(&id) else { return };
        note(exit.state.ready());
        exit.ready_at = Some(super::now());
        let region = &mut self.regions[exit.region];
        region.memory.on_ready();
        region.memory.on_generation(ready.generation);
        version::compare(&self.health, &region.name, &ready.version);
        region.function_version = Some(ready.version.clone());
        tracing::info!(region = region.name, exit = %exit.pool_id(), ms = ready.cold_start.as_millis() as u64, "exit ready");
        if let Some(url) = self.check_url.clone() {
            let (opener, findings) = (ready.opener.clone(), self.findings.0.clone());
            self.errands.spawn(async move {
                let found = address::ask(&opener, &url).await;
                let _ending = findings.send(Finding::Address(id, found)).await;
            });
        }
        let (is_new, index) = (region.met(ready.nonce), exit.region);
        exit.ready = Some(Known::new(ready, is_new));
        self.works_again(index);
    }

    fn on_link(&mut self, id: ExitId, status: &LinkStatus) {
        let Some(exit) = self.exits.get_mut(&id) else { return };
        exit.leg = status.leg;
        if exit.state.is_starting() {
            return;
        }
        let was_paired = exit.unpaired_since.is_none();
        exit.unpaired_since = (!status.paired).then(|| exit.unpaired_since.unwrap_or_else(tokio::time::Instant::now));
        exit.interruption.clone_from(&status.interruption);
        self.pool.set_paired(&exit.pool_id(), status.paired);
        let (exit_id, cause) = (exit.pool_id(), status.interruption.as_deref().unwrap_or("unknown"));
        if was_paired && !status.paired {
            tracing::info!(exit = %exit_id, cause, "tunnel interrupted; its streams wait");
        }
        // Of several resumes in quick succession only the last may be seen.
        if status.resumes > exit.resumes {
            let ms = status.last_outage.unwrap_or_default().as_millis() as u64;
            tracing::info!(exit = %exit_id, cause, ms, resumes = status.resumes, relay = status.leg, "tunnel resumed");
            (exit.resumes, exit.last_resume) = (status.resumes, status.last_outage);
        }
    }

    fn on_ended(&mut self, id: ExitId, state: ExitState, fault: Option<Fault>) {
        let Some(mut exit) = self.exits.remove(&id) else { return };
        let now = super::now();
        let streams = self.pool.remove(&exit.pool_id()).unwrap_or_default();
        self.outfit.book.carried(&self.regions[exit.region].name, exit.carried(&streams));
        let was_ready = exit.ready_at;
        // The function's time limit is no fault, nor is what comes of an end that was ordered.
        let is_lost = matches!(state, ExitState::Failed(..)) && !exit.ending;
        exit.state = state;
        // A start that fails is news, unless what it reached serves already; the loss of an exit that others stand in for is none.
        let is_news = was_ready.is_none() && !matches!(state, ExitState::Failed(_, Reason::Busy));
        let is_felt = !exit.ending && (is_news || !self.is_served(exit.region));
        let region = &self.regions[exit.region];
        let reason = state.ended_reason().map_or("unknown", Reason::name);
        let (exit_id, cause) = (exit.pool_id(), fault.as_ref().map(|fault| fault.text.as_str()));
        tracing::info!(region = region.name, exit = %exit_id, reason, cause, streams_cut = streams.cut + streams.open as u64, "exit ended");
        if let Some(fault) = fault.as_ref().filter(|_| is_felt) {
            self.fails(exit.region, fault);
        }
        let region = &mut self.regions[exit.region];
        let jitter = Jitter::new(fastrand::f64());
        match was_ready {
            Some(at) if is_lost => region.memory.on_exit_lost(now, now.since(at), jitter),
            None if !matches!(state, ExitState::Closed(Reason::Idle | Reason::Shutdown)) => {
                region.memory.on_start_failed(now, kind(fault.as_ref()), jitter);
            }
            _ => {}
        }
        if self.ended.len() == ENDED_SHOWN {
            self.ended.pop_front();
        }
        self.ended.push_back(Ended { exit, at: now, streams, fault });
    }

    /// Whether an exit of the region takes streams now.
    fn is_served(&self, region: usize) -> bool {
        self.exits.values().any(|exit| exit.region == region && exit.state == ExitState::Active && exit.is_paired())
    }

    pub(super) fn on_finding(&mut self, finding: &Finding) {
        match *finding {
            Finding::Address(id, ref found) => {
                // One that ended meanwhile could not answer.
                let Some(exit) = self.exits.get_mut(&id) else { return };
                exit.asked_address = true;
                let address = match found {
                    Ok(address) => *address,
                    Err(cause) => {
                        tracing::debug!(exit = %exit.pool_id(), cause, "the exit's address stays unknown");
                        return self.unknown.tell(cause);
                    }
                };
                exit.address = Some(address);
                self.totals.saw(address);
                let region = &mut self.regions[exit.region];
                exit.address_seen = region.memory.on_address(address);
                tracing::info!(region = region.name, exit = %exit.pool_id(), %address, "sites see this address");
            }
            Finding::Generation(region, ref raised) => self.on_generation(region, raised),
            Finding::Concurrency(region, limit) => self.on_concurrency(region, limit),
        }
    }

    /// Plans one region and carries the plan out. Returns when it wants to be asked again.
    pub(super) fn plan_region(&mut self, index: usize, now: Timestamp, pooled: &[Pooled]) -> Option<Timestamp> {
        let view = self.view(index, pooled);
        let plan = plan(now, &self.settings_of(index), &mut self.regions[index].memory, &view);
        self.regions[index].take(&plan);
        for action in plan.actions {
            self.carry_out(index, action, now);
        }
        self.publish_roster(index);
        plan.wake_at
    }

    fn view(&self, index: usize, pooled: &[Pooled]) -> RegionView {
        let exits = self.exits.values().filter(|exit| exit.region == index);
        let exits = exits.map(|exit| exit.view(&streams_of(pooled, exit))).collect();
        let may_invoke = self.outfit.book.may_invoke() && self.regions[index].limit != Some(0);
        // Who came before the end and still waits gets an exit.
        let winding_down = self.is_winding_down && self.demand.borrow().waiting == 0;
        RegionView { exits, may_invoke, winding_down, ..RegionView::default() }
    }

    fn carry_out(&mut self, index: usize, action: Action, now: Timestamp) {
        tracing::debug!(region = self.regions[index].name, ?action, "plan");
        match action {
            Action::Invoke { why, .. } => self.invoke(index, why, now),
            Action::Activate(id) | Action::Undrain(id) => self.activate(id),
            Action::Drain(id) => self.drain(id, now),
            Action::End(id, reason) => self.end(id, reason),
            Action::Renew { id, slot } => self.renew(id, slot),
            Action::RaiseGeneration => self.raise_generation(index),
        }
    }

    fn invoke(&mut self, index: usize, why: Why, now: Timestamp) {
        let post = self.post(index);
        tracing::info!(region = post.region, exit = %pool_id(post.id), ?why, "invoking");
        let (id, handle) = (post.id, actor::spawn(self.outfit.clone(), post));
        self.exits.insert(id, Exit::new(id, index, handle, now, self.settings.timeout));
    }

    /// A name for a new exit, and what else it is given.
    pub(super) fn post(&mut self, index: usize) -> Post {
        let id = ExitId(self.next_id);
        self.next_id += 1;
        let region = &self.regions[index];
        Post { id, region: region.name.clone(), roster: region.roster.subscribe(), reports: self.reports.0.clone() }
    }

    fn activate(&mut self, id: ExitId) {
        let Some(exit) = self.exits.get_mut(&id) else { return };
        note(exit.state.activate());
        if exit.in_pool {
            return self.pool.set_active(&exit.pool_id(), true);
        }
        let Some(known) = &exit.ready else { return };
        let region = self.regions[exit.region].name.clone();
        self.pool.add(ExitEntry { id: exit.pool_id(), region, opener: known.opener.clone() });
        self.pool.set_paired(&exit.pool_id(), exit.is_paired());
        exit.in_pool = true;
    }

    fn drain(&mut self, id: ExitId, now: Timestamp) {
        let Some(exit) = self.exits.get_mut(&id) else { return };
        note(exit.state.drain());
        exit.replaced_at.get_or_insert(now);
        self.pool.set_active(&exit.pool_id(), false);
    }

    fn end(&mut self, id: ExitId, reason: Reason) {
        let Some(exit) = self.exits.get_mut(&id) else { return };
        exit.ending = true;
        exit.handle.order(Order::End(reason));
        self.pool.set_active(&exit.pool_id(), false);
    }
}

pub(super) fn streams_of(pooled: &[Pooled], exit: &Exit) -> StreamStats {
    let id = exit.pool_id();
    pooled.iter().find(|view| view.id == id).map(|view| view.streams).unwrap_or_default()
}

/// An event that the state has no arrow for says that something came late; the state stands.
fn note(outcome: Result<(), crate::exits::state::IllegalEvent>) {
    if let Err(late) = outcome {
        tracing::debug!(%late, "late event");
    }
}

fn kind(fault: Option<&Fault>) -> FailureKind {
    match fault {
        Some(fault) if fault.reason == Reason::Throttled => FailureKind::Throttled,
        Some(fault) if !fault.retryable => FailureKind::Permanent,
        _ => FailureKind::Retryable,
    }
}
