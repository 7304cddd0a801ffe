//! What to do with one region now.
//!
//! ```text
//!   settings  what the config says          memory    what is remembered, and the events
//!   view      the exits as they are         decision  the answer
//!   pass      one run over a working copy:
//!     endings    what is over               accepting  which exit takes new streams
//!     fresh      new addresses              renewal    which exit passes its time limit
//!     supply     when another is needed, and whose slot it gets
//! ```
//!
//! The planner is a function of its arguments. The shell calls it after every event and at `wake_at`, carries out the
//! actions, and shows their effect in the next view.
//!
//! Never: no clock, no randomness, no I/O.

mod accepting;
mod decision;
mod endings;
mod fresh;
mod memory;
mod pass;
mod renewal;
mod settings;
mod supply;
mod view;

#[cfg(test)]
mod freshness;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod winding_down;
#[cfg(test)]
mod world;

pub use decision::{Action, FreshStatus, Plan, RegionStatus, RenewalStatus, Why};
pub use memory::RegionState;
pub use settings::{Frequency, Fresh, Renew, Settings};
pub use view::{ExitId, ExitView, REPLACE, RegionView, RenewalProgress, SILENCE, Streams, UNSTEADY};

use self::memory::Wanted;
use self::pass::Pass;
use super::time::Timestamp;
use crate::exits::state::Reason;

/// Decides what to do with one region. Never asks to be woken at or before `now`.
pub fn plan(now: Timestamp, settings: &Settings, state: &mut RegionState, view: &RegionView) -> Plan {
    let mut pass = Pass::new(now, settings, state, view);
    match pass.state.wanted {
        Wanted::Lapsed => pass.end_all(Reason::Idle),
        Wanted::Stopped => pass.end_all(Reason::Shutdown),
        Wanted::First | Wanted::Again if pass.winding_down => wind_down(&mut pass),
        Wanted::First | Wanted::Again => run(&mut pass),
    }
    pass.finish()
}

/// No new streams come: the exits carry on what runs.
fn wind_down(pass: &mut Pass<'_>) {
    pass.end_what_is_over();
    pass.end_what_carries_nothing();
    pass.end_what_has_drained();
    pass.renew();
}

fn run(pass: &mut Pass<'_>) {
    pass.end_what_is_over();
    pass.choose_acceptor();
    pass.forget_what_is_settled();
    pass.end_what_has_drained();
    pass.renew();
    pass.supply();
    pass.care_for_addresses();
}
