//! What a request asks, whether there is room for it, and the words in which it is refused. Nothing here waits.

mod places;
mod refusal;
mod request;

pub(crate) use places::{Place, Places};
pub use refusal::Refusal;
pub(crate) use request::{Applicant, Kind, LegRequest};

/// The one version of WebSocket (RFC 6455).
const WEBSOCKET_VERSION: &str = "13";

/// How much a relay takes. The defaults fit a small VPS: a busy leg holds below half a MiB, an idle one 20 KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Legs in all.
    pub connections: usize,
    /// Legs of one address: an agent has one per exit, so 256 are several dozen regions' worth.
    pub per_address: usize,
    /// Tunnels of one agent.
    pub per_agent: usize,
    /// Tunnels without a pair of legs, which are kept for an end to come (back).
    pub waiting: usize,
    /// Connections whose request was not read yet.
    pub handshakes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 4096, per_address: 256, per_agent: 256, waiting: 1024, handshakes: 256 }
    }
}
