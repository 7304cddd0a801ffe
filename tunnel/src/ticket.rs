//! The ticket: the 256-bit secret of one tunnel, and the hash by which the relay knows it.
//!
//! Never: a ticket is never printed or logged, and never compared: only its hash is looked up.

use std::fmt;

use aws_lc_rs::digest;
use zeroize::Zeroize;

use crate::random;

/// Bytes of a ticket, and of its SHA-256.
const LENGTH: usize = 32;

/// A text that is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal digits")]
pub struct NotHex;

/// The secret of one tunnel. The agent mints it, the invitation carries it, the function presents it to the relay.
#[derive(Clone)]
pub struct Ticket([u8; LENGTH]);

impl Ticket {
    /// A fresh ticket from the system's random source.
    pub fn mint() -> Self {
        Self(random::bytes())
    }

    /// Parses 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Result<Self, NotHex> {
        decode(text).map(Self)
    }

    /// The 64 hexadecimal digits that go on the wire. Treat the result as the secret it is.
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// What the relay may know of this ticket.
    pub fn hash(&self) -> TicketHash {
        TicketHash(sha256(&self.0))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(…)")
    }
}

/// The SHA-256 of a ticket: names a tunnel at the relay, opens nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TicketHash([u8; LENGTH]);

impl TicketHash {
    /// Parses 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Result<Self, NotHex> {
        decode(text).map(Self)
    }

    /// The first 16 bytes, which both ends use as the id of the tunnel's link.
    pub fn prefix(&self) -> [u8; 16] {
        let mut prefix = [0; 16];
        prefix.copy_from_slice(&self.0[..16]);
        prefix
    }
}

impl fmt::Display for TicketHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for TicketHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TicketHash({}…)", hex::encode(&self.0[..4]))
    }
}

/// SHA-256 of `data`.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, data).as_ref());
    out
}

fn decode(text: &str) -> Result<[u8; LENGTH], NotHex> {
    let mut bytes = [0; LENGTH];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| NotHex)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_survives_its_wire_form_and_stays_secret() {
        let ticket = Ticket::mint();
        let again = Ticket::from_hex(&ticket.to_hex()).expect("own hex");
        assert_eq!(ticket.hash(), again.hash());
        assert!(!format!("{ticket:?}").contains(&ticket.to_hex()));
        assert_ne!(ticket.hash(), Ticket::mint().hash());
    }

    #[test]
    fn a_text_that_is_no_ticket_is_refused() {
        for text in ["", "00", "zz", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64)] {
            assert!(Ticket::from_hex(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_hash_is_that_of_the_bytes() {
        let zero = Ticket::from_hex(&"0".repeat(64)).expect("hex");
        assert_eq!(zero.hash().to_string(), "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925");
    }
}
