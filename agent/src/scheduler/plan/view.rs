//! What the planner is shown of a region: its exits as they are now.
//!
//! Whatever the planner orders must show here before it plans again: that is what keeps it from ordering twice.

use std::time::Duration;

use super::settings::Settings;
use crate::exits::state::ExitState;
use crate::scheduler::time::Timestamp;

/// An exit unpaired for this long gets no new streams while a paired one exists.
pub const UNSTEADY: Duration = Duration::from_secs(1);
/// An active exit unpaired for this long gets a replacement.
pub const REPLACE: Duration = Duration::from_secs(5);
/// Streams that carried nothing for this long are silent; a stream older than this is a long one.
pub const SILENCE: Duration = Duration::from_secs(60);

/// Names one exit within the agent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExitId(pub u64);

/// The users' streams of one exit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Streams {
    /// How many are open, those included that were just assigned to it.
    pub open: usize,
    /// How long ago a byte last passed on any of them, or one was opened; by credited time.
    pub silent_for: Duration,
    /// The age of the oldest open one.
    pub oldest: Duration,
}

/// How far a renewal of this exit's present invocation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RenewalProgress {
    /// Not ordered.
    #[default]
    None,
    /// Ordered, and not yet decided.
    UnderWay,
    /// Failed: this invocation is not renewed again. A success goes back to `None`, with a new deadline.
    Failed,
}

/// One exit that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExitView {
    /// Its name.
    pub id: ExitId,
    /// Where it is in its life; ended exits are not shown.
    pub state: ExitState,
    /// When its first invocation was made.
    pub invoked_at: Timestamp,
    /// When it became ready.
    pub ready_at: Option<Timestamp>,
    /// How long its start has taken so far, by credited time; means nothing once it is ready.
    pub starting_for: Duration,
    /// When its present invocation ends at the latest.
    pub deadline: Timestamp,
    /// How long it has been unpaired, by credited time; nothing while paired, and before it first was.
    pub unpaired_for: Option<Duration>,
    /// Its users' streams.
    pub streams: Streams,
    /// The generation that `hello` told.
    pub generation: Option<u64>,
    /// When it was first replaced, kept when it accepts again for want of another.
    pub replaced_at: Option<Timestamp>,
    /// The function said `ending` and waits for an order.
    pub asked: bool,
    /// The function was answered and keeps the tunnel: nothing but an Invoke wakes it.
    pub kept: bool,
    /// How far its renewal has come.
    pub renewal: RenewalProgress,
    /// Its end was ordered and is not yet done. It still holds its slot.
    pub ending: bool,
}

impl ExitView {
    /// Whether it is alive and meant to stay so.
    pub fn is_open(&self) -> bool {
        !self.ending && !self.state.has_ended()
    }

    /// Whether it may take new streams, should it be chosen.
    pub(super) fn is_steady(&self) -> bool {
        self.is_open() && !self.is_unpaired_for(UNSTEADY)
    }

    /// Whether its tunnel has been down for this long.
    pub(super) fn is_unpaired_for(&self, span: Duration) -> bool {
        self.unpaired_for.is_some_and(|unpaired| unpaired >= span)
    }

    pub(super) fn is_active(&self) -> bool {
        self.is_open() && self.state == ExitState::Active
    }

    pub(super) fn is_draining(&self) -> bool {
        self.is_open() && self.state == ExitState::Draining
    }

    /// Whether it was replaced once, and so only carries old streams or stands in for one that failed.
    pub(super) fn is_old(&self) -> bool {
        self.replaced_at.is_some()
    }

    /// Whether something passed on its streams in the last minute.
    pub fn is_moving(&self) -> bool {
        self.streams.open > 0 && self.streams.silent_for < SILENCE
    }

    /// Whether it carries a stream that is likely to need more life than is left.
    pub(super) fn carries_long_stream(&self) -> bool {
        self.is_moving() && self.streams.oldest >= SILENCE
    }

    /// When its time to drain is over.
    pub(super) fn drain_limit(&self, settings: &Settings) -> Option<Timestamp> {
        self.replaced_at.map(|at| at + settings.drain)
    }

    /// Newer exits are greater. Clocks are set back; names are not.
    pub(super) fn order(&self) -> ExitId {
        self.id
    }
}

/// One region as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionView {
    /// Its exits that have not ended.
    pub exits: Vec<ExitView>,
    /// An Invoke is in its start phase though no exit shows it (a renewal whose exit has meanwhile gone).
    pub invoke_in_start_phase: bool,
    /// Whether invocations may be made at all: the budget is not spent.
    pub may_invoke: bool,
    /// Running streams may finish, and nobody waits for an exit: what carries none has nothing more to do.
    pub winding_down: bool,
}

impl Default for RegionView {
    fn default() -> Self {
        Self { exits: Vec::new(), invoke_in_start_phase: false, may_invoke: true, winding_down: false }
    }
}
