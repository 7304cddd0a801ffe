//! What the planner answers: what to do now, when to ask again, and what to tell the user.

use super::view::ExitId;
use crate::exits::state::Reason;
use crate::scheduler::time::Timestamp;

/// What an invocation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The region's first exit.
    First,
    /// The schedule.
    Rotation,
    /// The accepting exit was lost, or its tunnel is down.
    Replacement,
    /// The region had lapsed.
    Wake,
    /// `awslambdaproxy rotate`.
    Manual,
}

/// One thing to do. The shell carries out all of a plan's actions, in their order, before it plans again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Invoke the function for a new exit. There is a slot for it.
    Invoke {
        /// What for.
        why: Why,
        /// The generation was raised for this one: a new address is expected.
        fresh: bool,
    },
    /// New streams go to this ready exit from now on.
    Activate(ExitId),
    /// No new streams go to this exit.
    Drain(ExitId),
    /// This draining exit takes new streams again.
    Undrain(ExitId),
    /// Send `renew` and invoke again for this exit's instance.
    Renew {
        /// The exit.
        id: ExitId,
        /// Whether another instance that gets the Invoke may become an exit: there is a slot.
        slot: bool,
    },
    /// End this exit.
    End(ExitId, Reason),
    /// Change the generation in the function's environment.
    RaiseGeneration,
}

/// `regions[].state` of the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegionStatus {
    /// A paired exit accepts.
    Active,
    /// A paired exit accepts, and rotation has no slot.
    RotationWaiting,
    /// None accepts yet.
    Starting,
    /// None is wanted.
    Lapsed,
    /// None accepts, and the next try waits.
    Backoff,
    /// None accepts, and none will until somebody changes something.
    Failed,
}

/// `regions[].renewal` of the status: what experience says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RenewalStatus {
    /// Never tried.
    #[default]
    Unknown,
    /// The last one worked.
    Works,
    /// The last one failed.
    Fails,
}

/// `regions[].fresh` of the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreshStatus {
    /// `exits.fresh = "never"`.
    Off,
    /// The last exit's address was new, or the generation is about to be raised.
    Ok,
    /// A new generation is wanted, and a stream that only renewal can carry on stands against it.
    Waiting,
    /// The address was seen before although the generation was raised within the hour.
    Exhausted,
}

/// The planner's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What to do now.
    pub actions: Vec<Action>,
    /// When to plan again if nothing changes before; always later than `now`.
    pub wake_at: Option<Timestamp>,
    /// The region's state, the actions counted as done.
    pub status: RegionStatus,
    /// When the next rotation is due; may be past while it waits.
    pub next_rotation: Option<Timestamp>,
    /// When the next try is made after a failure.
    pub retry_at: Option<Timestamp>,
    /// What experience says of renewal.
    pub renewal: RenewalStatus,
    /// What came of the care for new addresses.
    pub fresh: FreshStatus,
}
