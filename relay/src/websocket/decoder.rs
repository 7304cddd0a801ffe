//! A client's bytes, in whatever pieces they come, as payload and control frames.

use std::ops::Range;

use bytes::Bytes;

use super::head::{Head, HeadReader, LONGEST_CONTROL, Opcode};
use super::mask::Mask;
use super::utf8::Utf8;
use super::{Violation, close};

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Binary,
}

/// What some bytes of the input mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    /// The next piece of a message, unmasked where it lies in the input.
    Data {
        kind: Kind,
        payload: Range<usize>,
        /// Whether the message ends with it.
        end: bool,
    },
    Ping(Bytes),
    Pong,
    /// The client's last frame: nothing after it counts.
    Close(Option<u16>),
}

/// Reads one client's side of a connection.
///
/// ```text
///   head ──▶ payload of a message ──▶ head …          data frames of one message, control frames in between
///        ──▶ payload of a control frame ──▶ head …
///        ──▶ close ──▶ deaf
/// ```
#[derive(Debug)]
pub(crate) struct Decoder {
    /// Most bytes of one message.
    largest: u64,
    head: HeadReader,
    frame: Option<Frame>,
    message: Option<Message>,
    control: Control,
    closed: bool,
}

/// A frame whose payload is being read.
#[derive(Debug)]
struct Frame {
    opcode: Opcode,
    fin: bool,
    left: u64,
    mask: Mask,
}

/// A message whose last fragment has not ended.
#[derive(Debug)]
struct Message {
    kind: Kind,
    length: u64,
    utf8: Utf8,
}

/// The payload of a control frame, so far.
#[derive(Debug)]
struct Control {
    bytes: [u8; LONGEST_CONTROL],
    length: usize,
}

impl Control {
    fn add(&mut self, piece: &[u8]) {
        for (slot, byte) in self.bytes.iter_mut().skip(self.length).zip(piece) {
            *slot = *byte;
        }
        self.length += piece.len();
    }

    fn take(&mut self) -> &[u8] {
        let length = std::mem::take(&mut self.length);
        self.bytes.get(..length).unwrap_or_default()
    }
}

impl Decoder {
    /// For a client that has not sent anything; no message of its may have more bytes than `largest`.
    pub(crate) fn new(largest: usize) -> Self {
        Self {
            largest: largest as u64,
            head: HeadReader::default(),
            frame: None,
            message: None,
            control: Control { bytes: [0; LONGEST_CONTROL], length: 0 },
            closed: false,
        }
    }

    /// Reads from the front of `input`: how many bytes were read, at least one if there is one, and what they mean if they
    /// mean something by themselves.
    pub(crate) fn decode(&mut self, input: &mut [u8]) -> Result<(usize, Option<Item>), Violation> {
        if self.closed {
            return Ok((input.len(), None));
        }
        let mut taken = 0;
        if self.frame.is_none() {
            let (length, head) = self.head.read(input)?;
            let Some(head) = head else { return Ok((length, None)) };
            self.frame = Some(self.begin(head)?);
            taken = length;
        }
        self.payload(input, taken)
    }

    /// A frame begins: may it, here?
    fn begin(&mut self, head: Head) -> Result<Frame, Violation> {
        let Head { fin, opcode, length, mask } = head;
        match (opcode, &mut self.message) {
            (Opcode::Continuation, Some(message)) => message.length = message.length.saturating_add(length),
            (Opcode::Continuation, None) => return Err(Violation::Framing("a fragment of no message")),
            (Opcode::Text | Opcode::Binary, Some(_)) => return Err(Violation::Framing("a message within another")),
            (Opcode::Text, None) => self.message = Some(Message { kind: Kind::Text, length, utf8: Utf8::default() }),
            (Opcode::Binary, None) => self.message = Some(Message { kind: Kind::Binary, length, utf8: Utf8::default() }),
            (Opcode::Close | Opcode::Ping | Opcode::Pong, _) => {}
        }
        if self.message.as_ref().is_some_and(|message| message.length > self.largest) {
            return Err(Violation::TooBig);
        }
        Ok(Frame { opcode, fin, left: length, mask })
    }

    /// Reads the payload that starts at `start`, as far as it is there.
    fn payload(&mut self, input: &mut [u8], start: usize) -> Result<(usize, Option<Item>), Violation> {
        let Some(frame) = &mut self.frame else { return Ok((start, None)) };
        let there = input.len().saturating_sub(start);
        let length = usize::try_from(frame.left).unwrap_or(usize::MAX).min(there);
        let piece = start..start + length;
        let bytes = input.get_mut(piece.clone()).unwrap_or_default();
        frame.mask.remove(bytes);
        frame.left -= length as u64;
        let (opcode, frame_ends, fin) = (frame.opcode, frame.left == 0, frame.fin);
        if frame_ends {
            self.frame = None;
        }
        let item = match opcode {
            Opcode::Continuation | Opcode::Text | Opcode::Binary => self.data(bytes, piece.clone(), frame_ends && fin)?,
            Opcode::Close | Opcode::Ping | Opcode::Pong => {
                self.control.add(bytes);
                if frame_ends { Some(self.control(opcode)?) } else { None }
            }
        };
        Ok((piece.end, item))
    }

    fn data(&mut self, bytes: &[u8], payload: Range<usize>, end: bool) -> Result<Option<Item>, Violation> {
        let Some(message) = &mut self.message else { return Ok(None) };
        let kind = message.kind;
        if kind == Kind::Text {
            message.utf8.check(bytes)?;
            if end {
                message.utf8.end()?;
            }
        }
        if end {
            self.message = None;
        }
        Ok((end || !payload.is_empty()).then_some(Item::Data { kind, payload, end }))
    }

    fn control(&mut self, opcode: Opcode) -> Result<Item, Violation> {
        let payload = self.control.take();
        match opcode {
            Opcode::Close => {
                let code = close::code(payload)?;
                self.closed = true;
                Ok(Item::Close(code))
            }
            Opcode::Ping => Ok(Item::Ping(Bytes::copy_from_slice(payload))),
            _ => Ok(Item::Pong),
        }
    }
}
