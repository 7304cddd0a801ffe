//! The relay's port in words: paths, headers, close codes and text notices that relay and ends exchange.
//!
//! Text travels between the relay and one end; binary travels between the ends, and nothing here reads it.

use serde_json::{Value, json};

/// The WebSocket subprotocol (RFC 6455 section 1.9) of both kinds of leg.
pub const SUBPROTOCOL: &str = "awslambdaproxy.v1";
/// Where an agent's leg upgrades.
pub const AGENT_PATH: &str = "/v1/agent";
/// Where a function's leg upgrades.
pub const FUNCTION_PATH: &str = "/v1/function";
/// Header of an agent's leg: the hexadecimal SHA-256 of the tunnel's ticket.
pub const TUNNEL_HEADER: &str = "x-tunnel";
/// Header of a function's leg: the nonce of its process.
pub const INSTANCE_HEADER: &str = "x-instance";

/// Close codes (RFC 6455 section 7.4) of a leg. Those below 3000 have their registered meaning.
pub mod close {
    /// The tunnel is done.
    pub const DONE: u16 = 1000;
    /// This end goes elsewhere; the entry stays.
    pub const GOING_AWAY: u16 = 1001;
    /// A message that breaks the protocol.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// A message above the limit.
    pub const TOO_BIG: u16 = 1009;
    /// The relay restarts.
    pub const RESTARTING: u16 = 1012;
    /// The relay is full.
    pub const FULL: u16 = 1013;
    /// The peer is gone for good.
    pub const PEER_GONE: u16 = 4001;
    /// A newer leg of the same owner took this one's place.
    pub const SUPERSEDED: u16 = 4003;
    /// Nothing was heard for too long.
    pub const TIMED_OUT: u16 = 4008;
}

/// What the relay tells an end about its peer, right after the 101 and at each change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// No peer: send nothing binary, drop a half-received frame.
    Down,
    /// A peer stands. Answer with [`sync`], then begin with HELLO.
    Up {
        /// Counts the pairings of the tunnel; names this one.
        pairing: u64,
    },
}

impl Notice {
    /// The text message.
    pub fn to_text(self) -> String {
        match self {
            Self::Down => json!({"peer": "down"}).to_string(),
            Self::Up { pairing } => json!({"peer": "up", "pairing": pairing}).to_string(),
        }
    }

    /// Reads a notice; `None` for any other text, which an end ignores so that a newer relay may say more.
    pub fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        match value.get("peer")?.as_str()? {
            "down" => Some(Self::Down),
            "up" => Some(Self::Up { pairing: value.get("pairing")?.as_u64()? }),
            _ => None,
        }
    }
}

/// The text by which an end answers `up`: its next binary message begins its HELLO.
pub fn sync(pairing: u64) -> String {
    json!({ "sync": pairing }).to_string()
}

/// Reads the pairing that an end has answered.
pub fn parse_sync(text: &str) -> Option<u64> {
    serde_json::from_str::<Value>(text).ok()?.get("sync")?.as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_have_the_form_of_the_contract() {
        assert_eq!(Notice::Down.to_text(), r#"{"peer":"down"}"#);
        let up = Notice::Up { pairing: 7 };
        assert_eq!(Notice::parse(r#"{"peer":"up","pairing":7}"#), Some(up));
        assert_eq!(Notice::parse(&up.to_text()), Some(up));
        assert_eq!(sync(3), r#"{"sync":3}"#);
        assert_eq!(parse_sync(&sync(3)), Some(3));
    }

    #[test]
    fn other_text_is_no_notice() {
        for text in ["", "{}", "[]", r#"{"peer":"up"}"#, r#"{"peer":1}"#, r#"{"peer":"up","pairing":-1}"#, "\u{0}"] {
            assert_eq!(Notice::parse(text), None, "{text}");
            assert_eq!(parse_sync(text), None, "{text}");
        }
    }
}
