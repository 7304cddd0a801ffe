//! The first bytes of a frame (RFC 6455 section 5.2).

use bytes::{BufMut, Bytes, BytesMut};

use super::Violation;
use super::mask::Mask;

/// Longest head that is written, bytes: two, and a length of eight.
pub(crate) const LONGEST_HEAD: usize = 10;
/// Longest head that is read: a client's has a masking key of four beside that.
const LONGEST_MASKED_HEAD: usize = 14;
/// Longest payload of a control frame.
pub(super) const LONGEST_CONTROL: usize = 125;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;
/// The length is in the next two bytes, or eight.
const TWO_BYTES: u8 = 126;
const EIGHT_BYTES: u8 = 127;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

impl Opcode {
    fn of(nibble: u8) -> Option<Self> {
        [Self::Continuation, Self::Text, Self::Binary, Self::Close, Self::Ping, Self::Pong]
            .into_iter()
            .find(|opcode| *opcode as u8 == nibble)
    }

    fn is_control(self) -> bool {
        self as u8 >= Self::Close as u8
    }
}

/// The head of a client's frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) fin: bool,
    pub(super) opcode: Opcode,
    pub(super) length: u64,
    pub(super) mask: Mask,
}

/// A head that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct HeadReader {
    bytes: [u8; LONGEST_MASKED_HEAD],
    have: usize,
}

impl HeadReader {
    /// Takes what belongs to the head from the front of `input`: how many bytes that was, and the head once it is whole.
    pub(super) fn read(&mut self, input: &[u8]) -> Result<(usize, Option<Head>), Violation> {
        let mut taken = 0;
        while self.have < self.wanted() {
            let Some(byte) = input.get(taken) else { return Ok((taken, None)) };
            if let Some(slot) = self.bytes.get_mut(self.have) {
                *slot = *byte;
            }
            (taken, self.have) = (taken + 1, self.have + 1);
            if self.have == 2 {
                self.check()?;
            }
        }
        let head = self.head()?;
        self.have = 0;
        Ok((taken, Some(head)))
    }

    fn wanted(&self) -> usize {
        if self.have < 2 { 2 } else { 2 + self.length_bytes() + 4 }
    }

    fn length_bytes(&self) -> usize {
        match self.bytes[1] & LENGTH {
            TWO_BYTES => 2,
            EIGHT_BYTES => 8,
            _ => 0,
        }
    }

    /// What the first two bytes tell, told before any other is waited for.
    fn check(&self) -> Result<(), Violation> {
        let [first, second, ..] = self.bytes;
        if first & RESERVED != 0 {
            return Err(Violation::Framing("a reserved bit without an extension"));
        }
        let opcode = Opcode::of(first & OPCODE).ok_or(Violation::Framing("an opcode that is reserved"))?;
        if second & MASKED == 0 {
            return Err(Violation::Framing("a frame without a mask"));
        }
        if opcode.is_control() && first & FIN == 0 {
            return Err(Violation::Framing("a control frame in fragments"));
        }
        if opcode.is_control() && usize::from(second & LENGTH) > LONGEST_CONTROL {
            return Err(Violation::Framing("a control frame above 125 bytes"));
        }
        Ok(())
    }

    fn head(&self) -> Result<Head, Violation> {
        let [first, second, rest @ ..] = &self.bytes;
        let (length, key) = rest.split_at(self.length_bytes());
        let length = match length {
            [] => u64::from(second & LENGTH),
            bytes => bytes.iter().fold(0, |length, byte| (length << 8) | u64::from(*byte)),
        };
        let least = match second & LENGTH {
            TWO_BYTES => u64::from(TWO_BYTES),
            EIGHT_BYTES => 1 << 16,
            _ => 0,
        };
        if length < least {
            return Err(Violation::Framing("a length in more bytes than it needs"));
        }
        if length >> 63 != 0 {
            return Err(Violation::Framing("a length of 64 bits"));
        }
        let opcode = Opcode::of(first & OPCODE).ok_or(Violation::Framing("an opcode that is reserved"))?;
        let mask = Mask::new(std::array::from_fn(|n| key.get(n).copied().unwrap_or_default()));
        Ok(Head { fin: first & FIN != 0, opcode, length, mask })
    }
}

/// Writes the head of a whole message of `length` bytes; how long the head is.
pub(crate) fn write_head(opcode: Opcode, length: usize, out: &mut [u8; LONGEST_HEAD]) -> usize {
    let mut rest = &mut out[..];
    rest.put_u8(FIN | opcode as u8);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if short < TWO_BYTES => rest.put_u8(short),
        (_, Ok(two)) => {
            rest.put_u8(TWO_BYTES);
            rest.put_u16(two);
        }
        _ => {
            rest.put_u8(EIGHT_BYTES);
            rest.put_u64(length as u64);
        }
    }
    LONGEST_HEAD - rest.len()
}

/// A text message.
pub(crate) fn text_frame(text: &str) -> Bytes {
    frame(Opcode::Text, text.as_bytes())
}

/// A ping or pong; of its payload, what fits.
pub(crate) fn control_frame(opcode: Opcode, payload: &[u8]) -> Bytes {
    frame(opcode, payload.get(..LONGEST_CONTROL).unwrap_or(payload))
}

/// A close frame.
pub(crate) fn close_frame(code: Option<u16>) -> Bytes {
    match code {
        Some(code) => frame(Opcode::Close, &code.to_be_bytes()),
        None => frame(Opcode::Close, &[]),
    }
}

fn frame(opcode: Opcode, payload: &[u8]) -> Bytes {
    let mut head = [0; LONGEST_HEAD];
    let length = write_head(opcode, payload.len(), &mut head);
    let mut frame = BytesMut::with_capacity(length + payload.len());
    frame.extend_from_slice(head.get(..length).unwrap_or_default());
    frame.extend_from_slice(payload);
    frame.freeze()
}
