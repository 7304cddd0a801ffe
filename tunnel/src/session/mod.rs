//! The session: HTTP/2 over TLS 1.3 on the link's byte stream. The agent opens CONNECT streams (RFC 9113 section 8.5),
//! the function accepts them.
//!
//! Never: nothing here dials, and nothing here knows a relay.

pub mod client;
pub mod gauge;
pub mod server;
#[cfg(test)]
mod tests;
mod tuner;
mod window;

use std::io;

use crate::limits::LARGEST_WINDOW;

/// Name in the TLS handshake of a tunnel. It is never sent and never judged: the keys are.
const TLS_NAME: &str = "tunnel.invalid";

/// Received DATA that a stream may have outstanding at first, bytes; grows with the path (see [`window`]).
const FIRST_STREAM_WINDOW: u32 = 512 * 1024;
/// How many times a stream's window all streams together may have outstanding. What a program leaves unread stays outstanding:
/// beside two that read nothing, all others and the control stream still have a whole window.
const SHARES: u32 = 3;
/// The same for all streams of a session together.
const FIRST_SESSION_WINDOW: u32 = SHARES * FIRST_STREAM_WINDOW;
/// Received DATA that waits unread costs h2 256 bytes a frame at least, and beyond this it ends the session. 130,000 frames of one
/// byte: hours of keys and of lines that a paused program has not read, or that came at once after an outage. With their
/// bookkeeping they take some 20 MB.
const SMALL_FRAMES: usize = 2 * LARGEST_WINDOW as usize;
/// Largest HTTP/2 frame, bytes: one frame, one TLS burst, one WebSocket message.
const FRAME: u32 = 64 * 1024;
/// Header list of a CONNECT or its answer, bytes: an authority and a Proxy-Status line.
const HEADERS: u32 = 8 * 1024;
/// Streams that the far end reset before they were accepted; the peer is authenticated, so this only bounds memory.
const PENDING_RESETS: usize = 2048;

/// Why a session could not begin, or ended.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The peer is not the one of the invitation, or the bytes were lost on the way.
    #[error("TLS in the tunnel: {0}")]
    Tls(#[source] io::Error),
    /// The peer broke HTTP/2, or the link ended under it.
    #[error("HTTP/2 in the tunnel: {0}")]
    Http2(#[from] h2::Error),
    /// An identity of the invitation.
    #[error(transparent)]
    Key(#[from] crate::identity::BadKey),
}
