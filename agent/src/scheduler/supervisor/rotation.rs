//! Rotations that somebody waits for: a new exit, or with `--fresh` a new address, which may take several instances.
//!
//! ```text
//!   asked ─▶ (fresh: generation raised) ─▶ a newer exit accepts ─▶ its address is known ─▶ told
//!                  ▲                                                      │
//!                  └──────── seen before, and tries are left ─────────────┘
//! ```
//! Never: no one waits without end, and no try is made beyond [`TRIES`].

use std::net::IpAddr;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Supervisor;
use super::exit::Exit;
use super::generation::Raise;
use super::trouble::problem_key;
use crate::cloud::Cloud;
use crate::exits::state::ExitState;
use crate::health::Refuser;
use crate::scheduler::plan::{ExitId, RegionStatus};

/// How long one new exit may take: a start may take 30 s, and [`RETRIES`] are made.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long no relay at all may be usable before the request has failed: one that restarts is back sooner.
const RELAY_PATIENCE: Duration = Duration::from_secs(10);
/// How many new exits may fail before the request has, where another try may help.
const RETRIES: usize = 1;
/// How long one with a new generation may take: AWS has a minute to publish it.
const FRESH_PATIENCE: Duration = Duration::from_secs(150);
/// How many generations one request may raise. Each makes all warm instances useless, and addresses come from a large pool: if
/// two new instances in a row have known ones, a third is as likely to.
const TRIES: u8 = 3;

/// What came of a rotation in one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The region.
    pub region: String,
    /// The address of the exit that accepted before, if it was known.
    pub old: Option<IpAddr>,
    /// That of the new one.
    pub new: Option<IpAddr>,
    /// Why there is no new exit, or none with a new address where that was asked for.
    pub error: Option<String>,
    /// Whose no that is, where somebody said no.
    pub refuser: Option<Refuser>,
    /// What is to be said of the new address, if a new one was asked for.
    pub note: Option<String>,
}

/// A rotation that somebody waits for.
pub(super) struct Rotation {
    waiting: Vec<Waiting>,
    done: Vec<Rotated>,
    reply: Option<oneshot::Sender<Vec<Rotated>>>,
}

struct Waiting {
    region: usize,
    old: Option<IpAddr>,
    /// Exits up to this one are not what was asked for.
    newer_than: ExitId,
    /// Exits up to this one were invoked before the request: what made them fail may have been mended since.
    invoked_before: ExitId,
    asked: Instant,
    until: Instant,
    fresh: bool,
    /// How many tries have been begun.
    tries: u8,
}

/// How it stands with one region.
enum Standing {
    Waits,
    /// The address was seen before, or the instance is an old one.
    Stale(Option<IpAddr>),
    Over(Rotated),
}

impl<C: Cloud> Supervisor<C> {
    pub(super) fn begin_rotation(&mut self, names: &[String], fresh: bool, reply: oneshot::Sender<Vec<Rotated>>) {
        let now = super::now();
        if self.idle.on_demand(now).is_some() {
            self.wake_regions(now);
        }
        let mut rotation = Rotation { waiting: Vec::new(), done: Vec::new(), reply: Some(reply) };
        for name in names.iter().filter(|name| self.regions.iter().all(|region| region.name != **name)) {
            let served = self.regions.iter().map(|region| region.name.as_str()).collect::<Vec<_>>().join(", ");
            let error = Some(format!("this agent serves no such region; it serves {served}"));
            rotation.done.push(Rotated { region: name.clone(), old: None, new: None, error, refuser: None, note: None });
        }
        for index in 0..self.regions.len() {
            if names.is_empty() || names.contains(&self.regions[index].name) {
                let old = self.accepting_address(index);
                rotation.waiting.push(self.ask_for_exit(index, old, fresh, 1));
            }
        }
        self.rotations.push(rotation);
    }

    /// One try in one region.
    fn ask_for_exit(&mut self, region: usize, old: Option<IpAddr>, fresh: bool, tries: u8) -> Waiting {
        let invoked_before = self.newest_id();
        let newer_than = if fresh { invoked_before } else { self.newest_ready(region) };
        let asked = &mut self.regions[region];
        if asked.raise != Raise::UnderWay {
            asked.raise = Raise::None;
        }
        asked.memory.on_rotate_requested(super::now(), fresh);
        let asked = Instant::now();
        let until = asked + if fresh { FRESH_PATIENCE } else { PATIENCE };
        Waiting { region, old, newer_than, invoked_before, asked, until, fresh, tries }
    }

    /// The generation of a region was raised, or not: exits that were invoked before are not what was asked for.
    pub(super) fn follow_raise(&mut self, region: usize) {
        let newest = self.newest_id();
        let waiting = self.rotations.iter_mut().flat_map(|rotation| &mut rotation.waiting);
        waiting
            .filter(|one| one.fresh && one.region == region)
            .for_each(|one| (one.newer_than, one.invoked_before) = (newest, newest));
    }

    /// An exit that is starting comes after the request, as far as the planner is concerned.
    fn newest_ready(&self, region: usize) -> ExitId {
        let ready = self.exits.values().filter(|exit| exit.region == region && exit.ready_at.is_some());
        ready.map(|exit| exit.id).max().unwrap_or_default()
    }

    fn newest_id(&self) -> ExitId {
        ExitId(self.next_id - 1)
    }

    fn accepting_address(&self, index: usize) -> Option<IpAddr> {
        self.exits.values().rev().find(|exit| exit.region == index && exit.state == ExitState::Active)?.address
    }

    /// Tells those who wait for a rotation that is over. Says whether a new try was begun.
    pub(super) fn answer_rotations(&mut self) -> bool {
        let mut tried = false;
        let mut rotations = std::mem::take(&mut self.rotations);
        for rotation in &mut rotations {
            for one in std::mem::take(&mut rotation.waiting) {
                match self.standing(&one) {
                    Standing::Waits => rotation.waiting.push(one),
                    Standing::Over(rotated) => rotation.done.push(rotated),
                    Standing::Stale(_) if one.tries < TRIES && self.stopping.is_none() => {
                        tried = true;
                        rotation.waiting.push(self.ask_for_exit(one.region, one.old, true, one.tries + 1));
                    }
                    Standing::Stale(new) => rotation.done.push(self.rotated(&one, new, None, Some(seen_before(one.tries)))),
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
        tried
    }

    fn standing(&self, waiting: &Waiting) -> Standing {
        let region = &self.regions[waiting.region];
        let is_newer = |exit: &Exit| exit.region == waiting.region && exit.id > waiting.newer_than;
        let raising = waiting.fresh && region.raise == Raise::UnderWay;
        if let Some(exit) = self.exits.values().rev().find(|exit| is_newer(exit) && exit.state == ExitState::Active)
            && (exit.asked_address || self.check_url.is_none())
            && !raising
        {
            return if waiting.fresh { self.judge_fresh(waiting, exit) } else { self.over(waiting, exit.address, None) };
        }
        let failed =
            |error: String, refuser| Standing::Over(Rotated { refuser, ..self.rotated(waiting, None, Some(error), None) });
        if self.stopping.is_some() || self.is_winding_down {
            return failed("the agent is ending, so it takes no new exits".to_owned(), None);
        }
        let is_later = |exit: &Exit| is_newer(exit) && exit.id > waiting.invoked_before;
        let faults = self.ended.iter().filter(|ended| is_later(&ended.exit)).filter_map(|ended| ended.fault.as_ref());
        let has_failed = faults.clone().any(|fault| !fault.retryable) || faults.count() > RETRIES;
        if (has_failed || waiting.asked.elapsed() >= RELAY_PATIENCE)
            && let Some(problem) = self.outfit.relays.blocked()
        {
            return failed(problem.words(), Some(Refuser::Relay));
        }
        if has_failed || Instant::now() >= waiting.until {
            let known = self.health.get(&problem_key(&region.name)).map(|problem| problem.words());
            let error = known.or_else(|| region.error.clone().filter(|_| has_failed || region.status == RegionStatus::Failed));
            let refuser = region.refuser.filter(|_| error.is_some());
            return failed(error.unwrap_or_else(|| "no new exit in time; `status` says why".to_owned()), refuser);
        }
        Standing::Waits
    }

    /// A new address was asked for, and this exit accepts.
    fn judge_fresh(&self, waiting: &Waiting, exit: &Exit) -> Standing {
        let generation = exit.ready.as_ref().map(|known| known.generation);
        match (&self.regions[waiting.region].raise, exit.address) {
            (Raise::None | Raise::UnderWay, address) => self.over(waiting, address, Some(DEPENDS.to_owned())),
            (Raise::Failed(cause), address) => {
                let error =
                    format!("no new instance could be forced, so the address may be an old one: {}; {}", cause.text, cause.hint);
                let rotated = self.rotated(waiting, address, Some(error), None);
                Standing::Over(Rotated { refuser: cause.refuser, ..rotated })
            }
            (Raise::Done(raised), address) if generation < Some(*raised) => Standing::Stale(address),
            (Raise::Done(_), Some(address)) if exit.address_seen => Standing::Stale(Some(address)),
            (Raise::Done(_), Some(address)) => self.over(waiting, Some(address), Some("a new address".to_owned())),
            (Raise::Done(_), None) => self.over(waiting, None, Some("a new instance; its address is not known".to_owned())),
        }
    }

    fn over(&self, waiting: &Waiting, new: Option<IpAddr>, note: Option<String>) -> Standing {
        Standing::Over(self.rotated(waiting, new, None, note))
    }

    fn rotated(&self, waiting: &Waiting, new: Option<IpAddr>, error: Option<String>, note: Option<String>) -> Rotated {
        Rotated { region: self.regions[waiting.region].name.clone(), old: waiting.old, new, error, refuser: None, note }
    }
}

/// Why a wish for a new address was followed by an ordinary rotation.
const DEPENDS: &str = "an instance that may have been used before: a stream older than a minute needs renewal, which a new \
                       generation would end; it is raised when that stream has ended";

fn seen_before(tries: u8) -> String {
    format!("an address seen before, although {tries} new instances were started; more regions give more addresses")
}
