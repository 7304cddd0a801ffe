//! What an instance does with an invitation: an Invoke cannot name an instance, so each decides by what it holds. Pure.

use std::time::Duration;

use tunnel::instance::InstanceNonce;
use tunnel::invitation::Invitation;

use crate::deadline::UnixMs;

/// Whether the agent of a held tunnel was found again after this instance woke up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contact {
    /// No dial was waited for yet; what was known before may be old.
    Unknown,
    /// The tunnel is paired.
    Paired,
    /// A dial was tried and the tunnel is not paired.
    Unpaired,
}

/// The tunnel that an instance holds when an invitation comes. No invocation serves it: Lambda sends one at a time.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    /// Whose tunnel it is.
    pub agent: InstanceNonce,
    /// How long it may be unpaired.
    pub grace: Duration,
    /// When its last invocation was answered. Since then it may have been frozen, which is not known to be paired.
    pub kept_since: UnixMs,
    /// Whether its agent was found again.
    pub contact: Contact,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Serve the held tunnel on.
    Renew,
    /// Answer `busy` and touch nothing.
    Busy,
    /// Let the held tunnel dial once, then decide again.
    AwaitDial,
    /// Drop what is held and become the invitation's exit.
    Take,
    /// Drop what is held and answer that there is no slot.
    End,
}

/// Decides for the instance `me`.
pub fn decide(me: InstanceNonce, invitation: &Invitation, held: Option<&Held>, now: UnixMs) -> Decision {
    let free = if invitation.fresh { Decision::Take } else { Decision::End };
    match held {
        None => free,
        Some(held) if held.agent == invitation.agent => {
            if invitation.renew.contains(&me) {
                Decision::Renew
            } else if invitation.live.contains(&me) {
                Decision::Busy
            } else {
                free
            }
        }
        Some(held) if now.since(held.kept_since) <= held.grace => Decision::Busy,
        Some(held) => match held.contact {
            Contact::Unknown => Decision::AwaitDial,
            Contact::Paired => Decision::Busy,
            Contact::Unpaired => free,
        },
    }
}

#[cfg(test)]
mod tests {
    use tunnel::identity::Identity;
    use tunnel::invitation::{Egress, RelayEndpoint};
    use tunnel::leg::authorities::Authorities;
    use tunnel::ticket::Ticket;

    use super::*;

    const GRACE: Duration = Duration::from_secs(90);
    const KEPT: UnixMs = UnixMs(1_000_000);

    fn invitation() -> Invitation {
        Invitation {
            agent: InstanceNonce::mint(),
            relays: vec![RelayEndpoint {
                url: "ws://127.0.0.1:1".parse().expect("url"),
                pin: None,
                authorities: Authorities::default(),
            }],
            ticket: Ticket::mint(),
            identity: Identity::mint(),
            agent_key: Identity::mint().public().clone(),
            egress: Egress::default(),
            grace_ms: 90_000,
            live: vec![],
            renew: vec![],
            fresh: true,
            source: None,
        }
    }

    fn held_by(agent: InstanceNonce, contact: Contact) -> Held {
        Held { agent, grace: GRACE, kept_since: KEPT, contact }
    }

    #[test]
    fn an_instance_without_a_tunnel_is_fresh_or_told_to_end() {
        let (me, mut invitation) = (InstanceNonce::mint(), invitation());
        invitation.renew = vec![me];
        assert_eq!(decide(me, &invitation, None, KEPT), Decision::Take);
        invitation.fresh = false;
        assert_eq!(decide(me, &invitation, None, KEPT), Decision::End);
    }

    #[test]
    fn a_tunnel_of_the_same_agent_is_renewed_left_alone_or_replaced() {
        let (me, mut invitation) = (InstanceNonce::mint(), invitation());
        let held = held_by(invitation.agent, Contact::Unknown);
        assert_eq!(decide(me, &invitation, Some(&held), KEPT), Decision::Take, "in neither list");
        invitation.live = vec![InstanceNonce::mint(), me];
        assert_eq!(decide(me, &invitation, Some(&held), KEPT), Decision::Busy);
        invitation.renew = vec![me];
        assert_eq!(decide(me, &invitation, Some(&held), KEPT), Decision::Renew, "whichever it was meant for");
        invitation.fresh = false;
        assert_eq!(decide(me, &invitation, Some(&held), KEPT), Decision::Renew, "renewal needs no slot");
        (invitation.live, invitation.renew) = (vec![], vec![]);
        assert_eq!(decide(me, &invitation, Some(&held), KEPT), Decision::End);
    }

    #[test]
    fn another_agents_tunnel_is_dropped_only_after_grace_and_a_dial_in_vain() {
        let (me, mut invitation) = (InstanceNonce::mint(), invitation());
        invitation.renew = vec![me];
        let other = InstanceNonce::mint();
        let late = KEPT.plus(GRACE + Duration::from_millis(1));
        for (contact, now, decision) in [
            (Contact::Unpaired, KEPT.plus(GRACE), Decision::Busy),
            (Contact::Unknown, late, Decision::AwaitDial),
            (Contact::Paired, late, Decision::Busy),
            (Contact::Unpaired, late, Decision::Take),
        ] {
            assert_eq!(decide(me, &invitation, Some(&held_by(other, contact)), now), decision, "{contact:?}");
        }
        invitation.fresh = false;
        assert_eq!(decide(me, &invitation, Some(&held_by(other, Contact::Unpaired)), late), Decision::End);
    }
}
