//! The state of everything at one moment, as `status` and the dashboard show it.

use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;
use std::time::Duration;

use super::Supervisor;
use super::exit::{Ended, Exit};
use super::fleet::streams_of;
use crate::cloud::Cloud;
use crate::exits::StreamStats;
use crate::exits::state::ExitState;
use crate::scheduler::plan::{FreshStatus, RegionStatus, RenewalStatus};

/// Exit addresses that are counted as distinct; more are all the same to anyone who reads the number.
const MOST_ADDRESSES: usize = 100_000;

/// Everything.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Per region, in the order of the config.
    pub regions: Vec<RegionSnapshot>,
    /// Running exits, then the last ended ones, newest last.
    pub exits: Vec<ExitSnapshot>,
    /// Distinct exit addresses seen in this run.
    pub distinct_addresses: usize,
    /// On which relays legs stand, by their place in the list.
    pub relays_in_use: BTreeSet<usize>,
}

/// One region.
#[derive(Debug, Clone)]
pub struct RegionSnapshot {
    /// Its name.
    pub region: String,
    /// Its state.
    pub status: RegionStatus,
    /// When the next rotation is due.
    pub next_rotation: Option<Duration>,
    /// When the next try is made.
    pub retry_in: Option<Duration>,
    /// What experience says of renewal.
    pub renewal: RenewalStatus,
    /// What came of the care for new addresses.
    pub fresh: FreshStatus,
    /// The version of its function.
    pub function_version: Option<String>,
    /// The last failure, while it lasts.
    pub error: Option<String>,
}

/// One exit.
#[derive(Debug, Clone)]
pub struct ExitSnapshot {
    /// Its name.
    pub id: String,
    /// Its region.
    pub region: String,
    /// Where it is in its life.
    pub state: ExitState,
    /// The address that sites see.
    pub address: Option<IpAddr>,
    /// Since its invocation.
    pub age: Duration,
    /// Until its invocation ends; zero for one that ended.
    pub remaining: Duration,
    /// The generation in its environment.
    pub generation: Option<u64>,
    /// The process.
    pub instance: Option<String>,
    /// Whether the tunnel is paired.
    pub paired: bool,
    /// How often it passed its function's time limit.
    pub renewals: u64,
    /// How often its tunnel was resumed.
    pub resumes: u64,
    /// How long the last interruption lasted.
    pub last_resume: Option<Duration>,
    /// Its streams.
    pub streams: StreamStats,
    /// The round trip through its tunnel.
    pub rtt: Option<Duration>,
    /// From Invoke to `hello`; `None` for an instance that was warm.
    pub cold_start: Option<Duration>,
    /// What it failed of, or what interrupts it now.
    pub error: Option<String>,
}

/// What ended exits leave behind.
#[derive(Debug, Default)]
pub struct Totals {
    addresses: HashSet<IpAddr>,
}

impl Totals {
    pub(super) fn saw(&mut self, address: IpAddr) {
        if self.addresses.len() < MOST_ADDRESSES {
            self.addresses.insert(address);
        }
    }
}

impl<C: Cloud> Supervisor<C> {
    pub(super) fn snapshot(&self) -> Snapshot {
        let pooled = self.pool.exits();
        let live = self.exits.values().map(|exit| self.exit_snapshot(exit, streams_of(&pooled, exit), None));
        let ended = self.ended.iter().map(|ended| self.exit_snapshot(&ended.exit, ended.streams, Some(ended)));
        Snapshot {
            regions: self.region_snapshots(),
            exits: live.chain(ended).collect(),
            distinct_addresses: self.totals.addresses.len(),
            relays_in_use: self.exits.values().filter_map(|exit| exit.leg).collect(),
        }
    }

    fn region_snapshots(&self) -> Vec<RegionSnapshot> {
        let now = super::now();
        let snapshot = |region: &super::region::Region| RegionSnapshot {
            region: region.name.clone(),
            status: region.status,
            next_rotation: region.next_rotation.map(|at| now.until(at)),
            retry_in: region.retry_at.map(|at| now.until(at)),
            renewal: region.renewal,
            fresh: region.fresh,
            function_version: region.function_version.clone(),
            error: region.error.clone(),
        };
        self.regions.iter().map(snapshot).collect()
    }

    fn exit_snapshot(&self, exit: &Exit, streams: StreamStats, ended: Option<&Ended>) -> ExitSnapshot {
        let now = ended.map_or_else(super::now, |ended| ended.at);
        let known = exit.ready.as_ref();
        ExitSnapshot {
            id: exit.pool_id().to_string(),
            region: self.regions[exit.region].name.clone(),
            state: exit.state,
            address: exit.address,
            age: now.since(exit.invoked_at),
            remaining: if ended.is_some() { Duration::ZERO } else { now.until(exit.deadline) },
            generation: known.map(|known| known.generation),
            instance: known.map(|known| known.nonce.to_string()),
            paired: ended.is_none() && exit.is_paired(),
            renewals: exit.renewals,
            resumes: exit.resumes,
            last_resume: exit.last_resume,
            streams,
            rtt: known.filter(|_| ended.is_none()).and_then(|known| known.opener.rtt()),
            cold_start: known.and_then(|known| known.cold_start),
            error: match ended {
                Some(ended) => ended.fault.as_ref().map(|fault| fault.text.clone()),
                None => exit.interruption.as_ref().filter(|_| exit.unpaired_since.is_some()).map(|cause| interrupted(cause)),
            },
        }
    }
}

fn interrupted(cause: &str) -> String {
    format!("the tunnel is interrupted ({cause}); its streams wait")
}
