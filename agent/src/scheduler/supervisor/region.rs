//! What the supervisor knows of one region.

use tokio::sync::watch;

use crate::exits::actor::Roster;
use crate::scheduler::plan::{FreshStatus, Plan, RegionState, RegionStatus, RenewalStatus};
use crate::scheduler::time::Timestamp;

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
        }
    }

    pub(super) fn take(&mut self, plan: &Plan) {
        self.status = plan.status;
        self.next_rotation = plan.next_rotation;
        self.retry_at = plan.retry_at;
        self.renewal = plan.renewal;
        self.fresh = plan.fresh;
    }
}
