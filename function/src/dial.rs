//! The function's link to the relays that the invitation lists.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tunnel::instance::InstanceNonce;
use tunnel::invitation::Invitation;
use tunnel::leg::dial::Dialer;
use tunnel::leg::tls::{public_roots, trusting};
use tunnel::link::{self, LinkConfig, LinkHandle, LinkStream};

/// Trust for relays without a pin: the public roots that this build carries, since Lambda's system has none to rely on.
pub(crate) fn trust() -> Result<Arc<ClientConfig>, rustls::Error> {
    trusting(public_roots())
}

/// Begins to dial.
pub(crate) fn open(invitation: &Invitation, instance: InstanceNonce, trust: &Arc<ClientConfig>) -> (LinkStream, LinkHandle) {
    link::open(LinkConfig {
        id: invitation.ticket.hash().prefix(),
        dialer: Dialer::for_function(&invitation.relays, &invitation.ticket, instance, trust),
        grace: Duration::from_millis(invitation.grace_ms),
    })
}
