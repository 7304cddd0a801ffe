//! What the supervisor knows of one exit.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;
use tunnel::instance::InstanceNonce;
use tunnel::session::client::Opener;

use crate::exits::actor::{ExitHandle, Fault, Ready};
use crate::exits::state::ExitState;
use crate::exits::{ExitId as PoolId, StreamStats};
use crate::scheduler::plan::{ExitId, ExitView, RenewalProgress, Streams};
use crate::scheduler::time::Timestamp;

/// An exit that has not ended.
pub(super) struct Exit {
    pub(super) id: ExitId,
    pub(super) region: usize,
    pub(super) state: ExitState,
    pub(super) handle: ExitHandle,
    pub(super) invoked_at: Timestamp,
    pub(super) begun: Instant,
    pub(super) deadline: Timestamp,
    pub(super) ready_at: Option<Timestamp>,
    pub(super) ready: Option<Known>,
    pub(super) address: Option<IpAddr>,
    /// The region's last exits had it too.
    pub(super) address_seen: bool,
    /// The question for the address is over, whatever came of it.
    pub(super) asked_address: bool,
    /// The relay on which its leg stands, by its place in the list.
    pub(super) leg: Option<usize>,
    pub(super) unpaired_since: Option<Instant>,
    /// What interrupted its tunnel last.
    pub(super) interruption: Option<String>,
    pub(super) resumes: u64,
    pub(super) last_resume: Option<Duration>,
    pub(super) replaced_at: Option<Timestamp>,
    pub(super) asked: bool,
    /// The function was answered and keeps the tunnel.
    pub(super) kept: bool,
    pub(super) renewal: RenewalProgress,
    pub(super) renewals: u64,
    pub(super) ending: bool,
    pub(super) in_pool: bool,
    /// Bytes that were counted as having left the cloud.
    pub(super) counted: u64,
}

/// What `hello` told.
pub(super) struct Known {
    pub(super) opener: Opener,
    pub(super) nonce: InstanceNonce,
    pub(super) generation: u64,
    /// From Invoke to `hello`, if the instance was started for it, as far as this agent knows.
    pub(super) cold_start: Option<Duration>,
}

impl Known {
    /// `is_new`: this agent has not met the instance before.
    pub(super) fn new(ready: Ready, is_new: bool) -> Self {
        let Ready { opener, nonce, generation, cold_start, .. } = ready;
        Self { opener, nonce, generation, cold_start: is_new.then_some(cold_start) }
    }
}

/// An exit that has ended, as `status` still shows it.
pub(super) struct Ended {
    pub(super) exit: Exit,
    pub(super) at: Timestamp,
    pub(super) streams: StreamStats,
    pub(super) fault: Option<Fault>,
}

impl Exit {
    /// A new exit that was just spawned.
    pub(super) fn new(id: ExitId, region: usize, handle: ExitHandle, now: Timestamp, timeout: Duration) -> Self {
        Self {
            id,
            region,
            state: ExitState::Invoked,
            handle,
            invoked_at: now,
            begun: Instant::now(),
            deadline: now + timeout,
            ready_at: None,
            ready: None,
            address: None,
            address_seen: false,
            asked_address: false,
            leg: None,
            unpaired_since: None,
            interruption: None,
            resumes: 0,
            last_resume: None,
            replaced_at: None,
            asked: false,
            kept: false,
            renewal: RenewalProgress::None,
            renewals: 0,
            ending: false,
            in_pool: false,
            counted: 0,
        }
    }

    /// This process did not run for so long: that was no time in which the exit could have got on.
    pub(super) fn credit(&mut self, missed: Duration) {
        self.begun += missed;
        self.unpaired_since = self.unpaired_since.map(|since| since + missed);
    }

    pub(super) fn pool_id(&self) -> PoolId {
        pool_id(self.id)
    }

    pub(super) fn is_paired(&self) -> bool {
        !self.state.is_starting() && self.unpaired_since.is_none()
    }

    /// Whether an Invoke of its own is under way and has not yet led to anything.
    pub(super) fn is_in_start_phase(&self) -> bool {
        self.state.is_starting() || self.renewal == RenewalProgress::UnderWay
    }

    /// Bytes that left the cloud since this was last asked: what a site gets, and what the relay gets for the user.
    pub(super) fn carried(&mut self, streams: &StreamStats) -> u64 {
        let all = streams.bytes_up.saturating_add(streams.bytes_down);
        all.saturating_sub(std::mem::replace(&mut self.counted, all))
    }

    pub(super) fn view(&self, streams: &StreamStats) -> ExitView {
        ExitView {
            id: self.id,
            state: self.state,
            invoked_at: self.invoked_at,
            ready_at: self.ready_at,
            starting_for: self.begun.elapsed(),
            deadline: self.deadline,
            unpaired_for: self.unpaired_since.map(|since| since.elapsed()),
            streams: Streams {
                open: streams.open,
                silent_for: streams.idle_for.unwrap_or_default(),
                oldest: streams.oldest.unwrap_or_default(),
            },
            generation: self.ready.as_ref().map(|known| known.generation),
            replaced_at: self.replaced_at,
            asked: self.asked,
            kept: self.kept,
            renewal: self.renewal,
            ending: self.ending,
        }
    }
}

/// The pool and `status` name exits by texts.
pub(super) fn pool_id(id: ExitId) -> PoolId {
    PoolId::from(format!("e{}", id.0).as_str())
}
