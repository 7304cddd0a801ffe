//! Which instances of a region hold tunnels of this agent, as every invitation must say.
//!
//! An Invoke cannot name an instance: whichever gets it finds its own name in one of the lists, or in none.

use tunnel::instance::InstanceNonce;

/// The instances of one region at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roster {
    /// Their tunnels are held, and served by an invocation.
    pub live: Vec<InstanceNonce>,
    /// Their tunnels are held and wait for an invocation to serve them on.
    pub renew: Vec<InstanceNonce>,
}
