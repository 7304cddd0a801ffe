//! What the supervisor knows of one region.

use std::collections::VecDeque;

use tokio::sync::watch;
use tokio::time::Instant;
use tunnel::instance::InstanceNonce;

use super::generation::Raise;
use crate::exits::actor::Roster;
use crate::health::Refuser;
use crate::scheduler::plan::{FreshStatus, Plan, RegionState, RegionStatus, RenewalStatus};
use crate::scheduler::time::Timestamp;

/// Instances that are remembered: a region reuses a handful, and each rotation of an hour at most adds one.
const INSTANCES: usize = 64;

/// One region, and what its last plan said.
pub(super) struct Region {
    pub(super) name: String,
    pub(super) memory: RegionState,
    /// Its instances, for the invitations of its exits.
    pub(super) roster: watch::Sender<Roster>,
    pub(super) status: RegionStatus,
    pub(super) next_rotation: Option<Timestamp>,
    pub(super) retry_at: Option<Timestamp>,
    pub(super) renewal: RenewalStatus,
    pub(super) fresh: FreshStatus,
    pub(super) function_version: Option<String>,
    pub(super) error: Option<String>,
    /// Whose no that failure was.
    pub(super) refuser: Option<Refuser>,
    /// The code of that failure, where the log has told it.
    pub(super) trouble: Option<&'static str>,
    /// What came of its last raised generation.
    pub(super) raise: Raise,
    /// How many invocations the account allows at a time, if that is known.
    pub(super) limit: Option<usize>,
    /// When that was asked.
    pub(super) limit_asked: Option<Instant>,
    /// The instances met last, the newest last.
    instances: VecDeque<InstanceNonce>,
}

impl Region {
    pub(super) fn new(name: String, not_before: Timestamp) -> Self {
        Self {
            name,
            memory: RegionState::new(not_before),
            roster: watch::Sender::default(),
            status: RegionStatus::Starting,
            next_rotation: None,
            retry_at: None,
            renewal: RenewalStatus::Unknown,
            fresh: FreshStatus::Ok,
            function_version: None,
            error: None,
            refuser: None,
            trouble: None,
            raise: Raise::None,
            limit: None,
            limit_asked: None,
            instances: VecDeque::with_capacity(INSTANCES),
        }
    }

    /// Notes an instance that has said hello; whether it was not met before.
    pub(super) fn met(&mut self, nonce: InstanceNonce) -> bool {
        let is_new = !self.instances.contains(&nonce);
        if is_new {
            if self.instances.len() == INSTANCES {
                self.instances.pop_front();
            }
            self.instances.push_back(nonce);
        }
        is_new
    }

    pub(super) fn take(&mut self, plan: &Plan) {
        self.status = plan.status;
        self.next_rotation = plan.next_rotation;
        self.retry_at = plan.retry_at;
        self.renewal = plan.renewal;
        self.fresh = plan.fresh;
    }
}
