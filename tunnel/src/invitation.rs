//! The Invoke payload: everything a function needs to join one tunnel.
//!
//! It travels over AWS's own API, never over the relay. `Raw` is the JSON; [`Invitation`] is what has been checked.
//! Never: no field of it is logged whole, since it holds the ticket and a private key.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::identity::{BadKey, Identity, PublicKey};
use crate::instance::InstanceNonce;
use crate::leg::authorities::{Authorities, BadAuthorities, LARGEST_AUTHORITIES};
use crate::leg::url::{BadRelayUrl, RelayUrl};
use crate::limits::LARGEST_INVITATION;
use crate::ticket::Ticket;

/// The version of the tunnel's protocol that this build speaks.
pub const PROTOCOL_VERSION: u32 = 1;

/// Relays that an invitation may list: more would only make the search longer than grace.
const MOST_RELAYS: usize = 16;

/// A relay as both ends dial it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayEndpoint {
    /// Where it listens.
    pub url: RelayUrl,
    /// SHA-256 of its certificate (DER), when it is pinned rather than trusted by a public root.
    pub pin: Option<[u8; 32]>,
    /// Authorities that vouch for it beside the public ones; none when it is pinned.
    pub authorities: Authorities,
}

/// What the exit may connect to, beyond the built-in policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Egress {
    /// Ranges lifted from the built-in bans.
    #[serde(default)]
    pub allow: Vec<IpNet>,
    /// Ports never connected to.
    #[serde(default)]
    pub deny_ports: Vec<u16>,
    /// Address and port that `allow` never lifts. A loopback or own address means that port on every address of the machine.
    #[serde(default)]
    pub never: Vec<SocketAddr>,
}

/// A checked invitation.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Names the agent across its tunnels: random, kept by the agent as long as it runs.
    pub agent: InstanceNonce,
    /// The relays to try, the agent's own first; never empty.
    pub relays: Vec<RelayEndpoint>,
    /// The tunnel's secret.
    pub ticket: Ticket,
    /// The function's one-tunnel identity.
    pub identity: Identity,
    /// The agent's public key.
    pub agent_key: PublicKey,
    /// What the exit may connect to.
    pub egress: Egress,
    /// How long a tunnel may be unpaired before it is given up, ms.
    pub grace_ms: u64,
    /// Instances whose tunnels the agent still holds.
    pub live: Vec<InstanceNonce>,
    /// Instances whose tunnels the agent wants renewed now.
    pub renew: Vec<InstanceNonce>,
    /// Whether an instance without a tunnel may become a fresh exit; else it is told to end.
    pub fresh: bool,
    /// Address to bind outgoing connections to loopback targets to; local mode only.
    pub source: Option<IpAddr>,
}

/// Why a payload is no invitation.
#[derive(Debug, thiserror::Error)]
pub enum BadInvitation {
    /// Not the JSON of an invitation.
    #[error("the payload is not an invitation: {0}")]
    Json(#[from] serde_json::Error),
    /// Too large to be one.
    #[error("the payload has {0} bytes, an invitation at most {LARGEST_INVITATION}")]
    TooLarge(usize),
    /// A protocol that this build does not speak.
    #[error(
        "the agent speaks protocol {0}, this function {PROTOCOL_VERSION}: run `awslambdaproxy deploy` with the agent's version"
    )]
    Version(u32),
    /// No relay, or more than anyone has.
    #[error("{0} relays listed, expected 1 to {MOST_RELAYS}")]
    Relays(usize),
    /// A relay's address.
    #[error("relay: {0}")]
    Relay(#[from] BadRelayUrl),
    /// The authorities of a relay, or of all together.
    #[error(transparent)]
    Authorities(#[from] BadAuthorities),
    /// A field of fixed form.
    #[error("{0} is malformed")]
    Field(&'static str),
    /// The identity.
    #[error("identity: {0}")]
    Key(#[from] BadKey),
}

#[derive(Serialize, Deserialize)]
struct Raw {
    version: u32,
    agent: InstanceNonce,
    relays: Vec<RawRelay>,
    ticket: String,
    identity: String,
    agent_key: String,
    #[serde(default)]
    egress: Egress,
    grace_ms: u64,
    #[serde(default)]
    live: Vec<InstanceNonce>,
    #[serde(default)]
    renew: Vec<InstanceNonce>,
    #[serde(default = "yes")]
    fresh: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<IpAddr>,
}

#[derive(Serialize, Deserialize)]
struct RawRelay {
    url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pin: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    authorities: Vec<String>,
}

const fn yes() -> bool {
    true
}

impl Invitation {
    /// The Invoke payload. Treat the result as the secret it is.
    pub fn to_json(&self) -> serde_json::Value {
        let relay = |endpoint: &RelayEndpoint| RawRelay {
            url: endpoint.url.to_string(),
            pin: endpoint.pin.map(hex::encode),
            authorities: endpoint.authorities.to_hex(),
        };
        let raw = Raw {
            version: PROTOCOL_VERSION,
            agent: self.agent,
            relays: self.relays.iter().map(relay).collect(),
            ticket: self.ticket.to_hex(),
            identity: hex::encode(self.identity.pkcs8()),
            agent_key: hex::encode(self.agent_key.spki()),
            egress: self.egress.clone(),
            grace_ms: self.grace_ms,
            live: self.live.clone(),
            renew: self.renew.clone(),
            fresh: self.fresh,
            source: self.source,
        };
        serde_json::to_value(raw).unwrap_or_default()
    }

    /// Reads and checks a payload. The version is judged first, so that a newer agent gets that answer and no other.
    pub fn parse(json: &[u8]) -> Result<Self, BadInvitation> {
        if json.len() > LARGEST_INVITATION {
            return Err(BadInvitation::TooLarge(json.len()));
        }
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        match serde_json::from_slice::<Version>(json)?.version {
            PROTOCOL_VERSION => Self::try_from(serde_json::from_slice::<Raw>(json)?),
            other => Err(BadInvitation::Version(other)),
        }
    }
}

impl TryFrom<Raw> for Invitation {
    type Error = BadInvitation;

    fn try_from(raw: Raw) -> Result<Self, BadInvitation> {
        if raw.relays.is_empty() || raw.relays.len() > MOST_RELAYS {
            return Err(BadInvitation::Relays(raw.relays.len()));
        }
        let relays: Vec<RelayEndpoint> = raw.relays.iter().map(RelayEndpoint::try_from).collect::<Result<_, _>>()?;
        check_authorities(&relays)?;
        Ok(Self {
            agent: raw.agent,
            relays,
            ticket: Ticket::from_hex(&raw.ticket).map_err(|_| BadInvitation::Field("ticket"))?,
            identity: Identity::from_pkcs8(&hex::decode(&raw.identity).map_err(|_| BadInvitation::Field("identity"))?)?,
            agent_key: PublicKey::from_spki(hex::decode(&raw.agent_key).map_err(|_| BadInvitation::Field("agent_key"))?),
            egress: raw.egress,
            grace_ms: raw.grace_ms,
            live: raw.live,
            renew: raw.renew,
            fresh: raw.fresh,
            source: raw.source,
        })
    }
}

impl TryFrom<&RawRelay> for RelayEndpoint {
    type Error = BadInvitation;

    fn try_from(raw: &RawRelay) -> Result<Self, BadInvitation> {
        let pin = raw.pin.as_deref().map(|text| parse_pin(text).ok_or(BadInvitation::Field("pin"))).transpose()?;
        Ok(Self { url: raw.url.parse()?, pin, authorities: Authorities::from_hex(&raw.authorities)? })
    }
}

/// Whether the authorities of all relays fit into an invitation.
pub fn check_authorities(relays: &[RelayEndpoint]) -> Result<(), BadAuthorities> {
    let size = relays.iter().map(|relay| relay.authorities.size()).sum();
    if size > LARGEST_AUTHORITIES { Err(BadAuthorities::TooLarge(size)) } else { Ok(()) }
}

/// 64 hexadecimal digits of a SHA-256; `None` for anything else.
pub fn parse_pin(text: &str) -> Option<[u8; 32]> {
    let mut pin = [0; 32];
    hex::decode_to_slice(text, &mut pin).ok()?;
    Some(pin)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn sample() -> Invitation {
        Invitation {
            agent: InstanceNonce::mint(),
            relays: vec![RelayEndpoint {
                url: "wss://relay.example.com".parse().expect("url"),
                pin: Some([7; 32]),
                authorities: Authorities::default(),
            }],
            ticket: Ticket::mint(),
            identity: Identity::mint(),
            agent_key: Identity::mint().public().clone(),
            egress: Egress {
                allow: vec!["127.0.0.0/8".parse().expect("net")],
                deny_ports: vec![25],
                never: vec!["127.0.0.1:9001".parse().expect("address")],
            },
            grace_ms: 90_000,
            live: vec![InstanceNonce::mint()],
            renew: vec![],
            fresh: true,
            source: None,
        }
    }

    #[test]
    fn an_invitation_survives_its_wire_form_and_hides_its_secrets() {
        let invitation = sample();
        let json = invitation.to_json().to_string();
        let again = Invitation::parse(json.as_bytes()).expect("own json");
        assert_eq!(again.to_json(), invitation.to_json());
        let shown = format!("{invitation:?}");
        assert!(!shown.contains(&invitation.ticket.to_hex()), "{shown}");
    }

    #[test]
    fn authorities_are_carried_checked_and_bounded() {
        let certificate = rcgen::generate_simple_self_signed(["authority".to_owned()]).expect("certificate").cert.der().to_vec();
        let mut invitation = sample();
        let authorities = |count| Authorities::new(vec![certificate.clone().into(); count]);
        invitation.relays[0].authorities = authorities(2).expect("certificates");
        let again = Invitation::parse(invitation.to_json().to_string().as_bytes()).expect("own json");
        assert_eq!(again.relays, invitation.relays);
        let most = LARGEST_AUTHORITIES / certificate.len();
        assert!(matches!(authorities(most + 1), Err(BadAuthorities::TooLarge(_))));
        let half = RelayEndpoint { authorities: authorities(most * 2 / 3).expect("fits"), ..invitation.relays[0].clone() };
        invitation.relays = vec![half.clone(), half];
        let error = Invitation::parse(invitation.to_json().to_string().as_bytes()).expect_err("too many together");
        assert!(error.to_string().contains("at most"), "{error}");
        let mut json = sample().to_json();
        json["relays"][0]["authorities"] = serde_json::json!(["00"]);
        assert!(Invitation::parse(json.to_string().as_bytes()).is_err(), "no certificate");
    }

    #[test]
    fn another_version_is_refused_before_anything_else_is_read() {
        let error = Invitation::parse(br#"{"version":2,"relays":"of another form"}"#).expect_err("version 2");
        assert!(matches!(error, BadInvitation::Version(2)), "{error}");
    }

    #[test]
    fn what_a_newer_neighbour_adds_is_not_minded() {
        let mut json = sample().to_json();
        json["of_tomorrow"] = serde_json::json!({"a": [1]});
        json["egress"]["of_tomorrow"] = true.into();
        Invitation::parse(json.to_string().as_bytes()).expect("the same protocol");
    }

    #[test]
    fn a_malformed_field_is_named() {
        let mut json = sample().to_json();
        json["ticket"] = "00".into();
        let error = Invitation::parse(json.to_string().as_bytes()).expect_err("short ticket");
        assert_eq!(error.to_string(), "ticket is malformed");
    }

    proptest! {
        #[test]
        fn no_payload_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Invitation::parse(&bytes).is_err());
        }
    }
}
