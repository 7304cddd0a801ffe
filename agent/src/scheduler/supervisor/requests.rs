//! What the control socket asks of the supervisor.

use std::net::IpAddr;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Supervisor;
use super::snapshot::Snapshot;
use crate::cloud::Cloud;
use crate::exits::state::{ExitState, Reason};
use crate::scheduler::plan::{ExitId, RegionStatus};

/// How long `rotate` waits for a new exit: a start may take 30 s, and one failure is retried.
const ROTATE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(90);

/// One request.
#[derive(Debug)]
pub enum Request {
    /// The state of everything.
    Snapshot(oneshot::Sender<Snapshot>),
    /// New exits now.
    Rotate {
        /// In these regions; in all if empty.
        regions: Vec<String>,
        /// With a new address.
        fresh: bool,
        /// Told when each has come or failed.
        reply: oneshot::Sender<Vec<Rotated>>,
    },
    /// End everything.
    Stop(oneshot::Sender<()>),
}

/// What came of a rotation in one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The region.
    pub region: String,
    /// The address of the exit that accepted before, if it was known.
    pub old: Option<IpAddr>,
    /// That of the new one.
    pub new: Option<IpAddr>,
    /// Why there is no new exit.
    pub error: Option<String>,
}

/// A rotation that somebody waits for.
pub(super) struct Rotation {
    waiting: Vec<Waiting>,
    done: Vec<Rotated>,
    until: Instant,
    reply: Option<oneshot::Sender<Vec<Rotated>>>,
}

impl Rotation {
    pub(super) fn credit(&mut self, missed: std::time::Duration) {
        self.until += missed;
    }
}

struct Waiting {
    region: usize,
    old: Option<IpAddr>,
    /// Exits with a smaller id were there before the request.
    newer_than: ExitId,
}

impl<C: Cloud> Supervisor<C> {
    pub(super) fn on_request(&mut self, request: Request) {
        match request {
            Request::Snapshot(reply) => {
                let _gone = reply.send(self.snapshot());
            }
            Request::Rotate { regions, fresh, reply } => self.begin_rotation(&regions, fresh, reply),
            Request::Stop(reply) => {
                self.regions.iter_mut().for_each(|region| region.memory.stop());
                self.stopping.get_or_insert_default().push(reply);
            }
        }
    }

    fn begin_rotation(&mut self, names: &[String], fresh: bool, reply: oneshot::Sender<Vec<Rotated>>) {
        let now = super::now();
        if self.idle.on_demand(now).is_some() {
            self.wake_regions(now);
        }
        let mut rotation =
            Rotation { waiting: Vec::new(), done: Vec::new(), until: Instant::now() + ROTATE_TIMEOUT, reply: Some(reply) };
        for name in names.iter().filter(|name| self.regions.iter().all(|region| region.name != **name)) {
            let error = Some("this agent does not serve that region".to_owned());
            rotation.done.push(Rotated { region: name.clone(), old: None, new: None, error });
        }
        let newest = ExitId(self.next_id - 1);
        for index in 0..self.regions.len() {
            if !names.is_empty() && !names.contains(&self.regions[index].name) {
                continue;
            }
            self.regions[index].memory.on_rotate_requested(now, fresh);
            rotation.waiting.push(Waiting { region: index, old: self.accepting_address(index), newer_than: newest });
        }
        self.rotations.push(rotation);
    }

    fn accepting_address(&self, index: usize) -> Option<IpAddr> {
        self.exits.values().rev().find(|exit| exit.region == index && exit.state == ExitState::Active)?.address
    }

    /// Tells those who wait for a rotation that is over.
    pub(super) fn answer_rotations(&mut self) {
        let mut rotations = std::mem::take(&mut self.rotations);
        for rotation in &mut rotations {
            let waiting = std::mem::take(&mut rotation.waiting);
            for one in waiting {
                match self.outcome(&one, rotation.until) {
                    Some(rotated) => rotation.done.push(rotated),
                    None => rotation.waiting.push(one),
                }
            }
            if rotation.waiting.is_empty()
                && let Some(reply) = rotation.reply.take()
            {
                let _gone = reply.send(std::mem::take(&mut rotation.done));
            }
        }
        rotations.retain(|rotation| rotation.reply.is_some());
        self.rotations = rotations;
    }

    fn outcome(&self, waiting: &Waiting, until: Instant) -> Option<Rotated> {
        let region = &self.regions[waiting.region];
        let newer = |id: &ExitId| *id > waiting.newer_than;
        let rotated = |new, error| Some(Rotated { region: region.name.clone(), old: waiting.old, new, error });
        let of_region = |exit: &&super::exit::Exit| exit.region == waiting.region && newer(&exit.id);
        if let Some(exit) = self.exits.values().rev().find(|exit| of_region(exit) && exit.state == ExitState::Active)
            && (exit.asked_address || self.check_url.is_none())
        {
            return rotated(exit.address, None);
        }
        if self.stopping.is_some() {
            return rotated(None, Some(Reason::Shutdown.name().to_owned()));
        }
        let has_failed =
            self.ended.iter().any(|ended| newer(&ended.exit.id) && ended.exit.region == waiting.region && ended.fault.is_some());
        if !has_failed && region.status != RegionStatus::Failed && Instant::now() < until {
            return None;
        }
        rotated(None, Some(region.error.clone().unwrap_or_else(|| "no new exit in time; `status` says why".to_owned())))
    }
}
