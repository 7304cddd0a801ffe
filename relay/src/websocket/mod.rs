//! The relay's side of RFC 6455, without sockets or clocks: what a client's bytes mean, and the bytes of an answer.
//!
//! ```text
//!   handshake   Sec-WebSocket-Accept
//!   head        a frame's first bytes, read from any cut of the stream, and written
//!   mask, utf8  what a payload went through, and must be
//!   close       the codes that may be sent
//!   decoder     bytes in, payload as it comes out
//! ```
//!
//! A payload is handed on in the pieces in which it came, unmasked where it lies: no message is ever gathered here.
//! Never: a byte that breaks the protocol is passed over, and nothing here grows with what a client sends.

mod close;
mod decoder;
mod handshake;
mod head;
mod mask;
mod utf8;
mod violation;

pub(crate) use decoder::{Decoder, Item, Kind};
pub(crate) use handshake::accept_key;
pub(crate) use head::{LONGEST_HEAD, Opcode, close_frame, control_frame, text_frame, write_head};
pub(crate) use violation::Violation;

#[cfg(test)]
mod autobahn_tests;
#[cfg(test)]
mod tests;
