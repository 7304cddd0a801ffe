//! How far a dial came, and when: what `doctor` tells of a function that does not get through to its relay.
//!
//! Never: nothing is decided by it.

use tokio::time::Instant;

/// One dial by its steps, in their order. Those that it has not passed are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    /// So many of the same link were in vain before it.
    pub before: u32,
    /// It began.
    pub began: Instant,
    /// The relay's name, or that of the proxy in the way, had an address.
    pub resolved: Option<Instant>,
    /// TCP stood.
    pub connected: Option<Instant>,
    /// TLS stood; missing where the relay is reached without.
    pub secured: Option<Instant>,
    /// The relay took the upgrade.
    pub upgraded: Option<Instant>,
}

impl Steps {
    /// A dial that begins now.
    pub(crate) fn begin(before: u32) -> Self {
        Self { before, began: Instant::now(), resolved: None, connected: None, secured: None, upgraded: None }
    }
}

/// Notes that a step was passed.
pub(crate) fn pass(step: &mut Option<Instant>) {
    *step = Some(Instant::now());
}
