//! What a request asks, whether there is room for it, and the words in which it is refused. Nothing here waits.

mod allowance;
mod bucket;
mod conduct;
mod owner;
mod places;
mod rates;
mod refusal;
mod request;

pub(crate) use allowance::{Allowance, Allowances};
pub(crate) use bucket::{Bucket, Rate};
pub(crate) use conduct::Conduct;
pub(crate) use owner::owner;
pub(crate) use places::{Place, Places};
pub use refusal::Refusal;
pub(crate) use request::{Applicant, Kind, LegRequest};

/// The one version of WebSocket (RFC 6455).
const WEBSOCKET_VERSION: &str = "13";

/// Descriptors for what is no connection: listeners, standard streams, files that are read.
const OTHER_DESCRIPTORS: usize = 32;

/// How much a relay takes. The defaults fit a small VPS: an idle leg holds below 20 KiB, and all busy ones together
/// share 32 MiB.
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
    /// What all legs of one agent may pass on in a second, bytes; `None` is no limit.
    pub bytes_per_second: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 4096, per_address: 256, per_agent: 256, waiting: 1024, handshakes: 256, bytes_per_second: None }
    }
}

impl Limits {
    /// As much of it as so many open files allow: beyond them nothing could be accepted, not even to say so.
    pub(crate) fn within(self, descriptors: usize) -> Self {
        let handshakes = self.handshakes.min(descriptors / 4).max(1);
        let left = descriptors.saturating_sub(handshakes + OTHER_DESCRIPTORS).max(1);
        Self { handshakes, connections: self.connections.min(left), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_more_connections_than_descriptors() {
        let limits = Limits::default();
        assert_eq!(limits.within(20_000), limits);
        let few = limits.within(1024);
        assert_eq!((few.handshakes, few.connections, few.waiting), (256, 736, limits.waiting));
        assert_eq!((limits.within(0).handshakes, limits.within(0).connections), (1, 1));
    }
}
