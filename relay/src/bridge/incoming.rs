//! What comes from a leg's end: payload on its way to the peer, and words to the relay.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, ReadBuf};
use tunnel::limits::{LARGEST_MESSAGE, LARGEST_NOTICE};

use super::buffers::Buffer;
use crate::websocket::{Decoder, Item, Kind, Violation};

/// What an end has sent.
pub(super) enum Heard {
    /// Payload for the peer, at this place of the buffer.
    Binary(Range<usize>),
    /// A whole text message.
    Text(Vec<u8>),
    Ping(Bytes),
    Pong,
    Close(Option<u16>),
}

/// Reads a leg.
pub(super) struct Incoming {
    decoder: Decoder,
    /// The text message that is being read.
    text: Vec<u8>,
}

/// Reads once from the connection. How many bytes came; none is its end.
pub(super) fn poll_fill(io: &mut (impl AsyncRead + Unpin), cx: &mut Context<'_>, buffer: &mut Buffer) -> Poll<io::Result<usize>> {
    let mut spare = ReadBuf::new(buffer.spare());
    ready!(Pin::new(io).poll_read(cx, &mut spare))?;
    Poll::Ready(Ok(spare.filled().len()))
}

impl Incoming {
    pub(super) fn new() -> Self {
        Self { decoder: Decoder::new(LARGEST_MESSAGE), text: Vec::new() }
    }

    /// Reads on in the buffer, from `at` and not beyond `to`; moves `at` behind what was read.
    pub(super) fn next(&mut self, buffer: &mut Buffer, at: &mut usize, to: usize) -> Result<Option<Heard>, Violation> {
        while *at < to {
            let from = *at;
            let (count, item) = self.decoder.decode(buffer.bytes(from..to))?;
            *at += count;
            let heard = match item {
                Some(Item::Data { kind: Kind::Binary, payload, .. }) => {
                    Some(Heard::Binary(from + payload.start..from + payload.end))
                }
                Some(Item::Data { kind: Kind::Text, payload, end }) => {
                    self.hear(buffer.bytes(from + payload.start..from + payload.end), end)?
                }
                Some(Item::Ping(payload)) => Some(Heard::Ping(payload)),
                Some(Item::Pong) => Some(Heard::Pong),
                Some(Item::Close(code)) => Some(Heard::Close(code)),
                None => None,
            };
            if heard.is_some() {
                return Ok(heard);
            }
        }
        Ok(None)
    }

    fn hear(&mut self, piece: &[u8], end: bool) -> Result<Option<Heard>, Violation> {
        if self.text.len() + piece.len() > LARGEST_NOTICE {
            return Err(Violation::TooBig);
        }
        self.text.extend_from_slice(piece);
        // Nothing of it is kept: most legs speak once.
        Ok(end.then(|| Heard::Text(std::mem::take(&mut self.text))))
    }
}
