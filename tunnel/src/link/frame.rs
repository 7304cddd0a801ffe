//! The link's frames on the wire. Message boundaries carry no meaning: frames are read from a stream of bytes.
//!
//! ```text
//!   HELLO  01 version:u8 id:16 received:u64 window:u32     first of each pairing
//!   DATA   02 offset:u64 length:u32 bytes
//!   ACK    03 offset:u64                                   taken up to here; window counts from here
//!   FIN    04 offset:u64                                   takes one unit of offset, as in TCP
//!   RESET  05 code:u8
//! ```
//! Numbers are big-endian.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// The link's version on the wire.
pub const VERSION: u8 = 1;
/// Bytes before the payload of a DATA frame.
pub const DATA_HEADER: usize = 13;
/// Largest payload of a DATA frame: one HTTP/2 frame with its TLS records, in one message.
pub const LARGEST_DATA: usize = 66 * 1024;

const HELLO: u8 = 1;
const DATA: u8 = 2;
const ACK: u8 = 3;
const FIN: u8 = 4;
const RESET: u8 = 5;
/// The longest header: HELLO's.
const LONGEST_HEADER: usize = 30;

/// The name of a link: the first half of its ticket's SHA-256.
pub type LinkId = [u8; 16];

/// Why a link was reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ResetCode {
    /// The end that sent it gave the link up.
    Abandoned = 1,
    /// An offset that cannot be, or bytes that are no frame.
    Desync = 2,
    /// Another link, or another version of it.
    Mismatch = 3,
}

impl ResetCode {
    fn from_wire(code: u8) -> Self {
        match code {
            1 => Self::Abandoned,
            3 => Self::Mismatch,
            _ => Self::Desync,
        }
    }
}

/// One frame; DATA comes in the pieces in which it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Opens a pairing: where its sender stands.
    Hello {
        /// Version of the link.
        version: u8,
        /// Which link.
        id: LinkId,
        /// Offset up to which its sender has everything.
        received: u64,
        /// Bytes above its last ACK that its sender accepts.
        window: u32,
    },
    /// Bytes of the stream.
    Data {
        /// Offset of the first.
        offset: u64,
        /// The bytes.
        payload: Bytes,
    },
    /// Its sender has taken everything up to this offset.
    Ack {
        /// The offset.
        offset: u64,
    },
    /// The stream ends at this offset.
    Fin {
        /// The offset.
        offset: u64,
    },
    /// The link is given up.
    Reset {
        /// Why.
        code: ResetCode,
    },
}

impl Frame {
    /// Appends a frame other than DATA, or a DATA frame whole.
    pub fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Hello { version, id, received, window } => {
                out.put_u8(HELLO);
                out.put_u8(*version);
                out.put_slice(id);
                out.put_u64(*received);
                out.put_u32(*window);
            }
            Self::Data { offset, payload } => {
                out.put_slice(&data_header(*offset, payload.len()));
                out.put_slice(payload);
            }
            Self::Ack { offset } => {
                out.put_u8(ACK);
                out.put_u64(*offset);
            }
            Self::Fin { offset } => {
                out.put_u8(FIN);
                out.put_u64(*offset);
            }
            Self::Reset { code } => {
                out.put_u8(RESET);
                out.put_u8(*code as u8);
            }
        }
    }
}

/// The bytes before a DATA frame's payload.
pub(super) fn data_header(offset: u64, length: usize) -> [u8; DATA_HEADER] {
    let mut header = [0; DATA_HEADER];
    header[0] = DATA;
    header[1..9].copy_from_slice(&offset.to_be_bytes());
    header[9..].copy_from_slice(&(length as u32).to_be_bytes());
    header
}

/// Bytes that are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("bytes that are no frame of the link")]
pub struct BadFrame;

/// Reads frames from a stream of bytes, holding at most one header.
#[derive(Debug, Default)]
pub struct Parser {
    header: Vec<u8>,
    data: Option<(u64, u32)>,
}

impl Parser {
    /// Takes the next frame, or the next piece of one, off `input`; `None` when more bytes are needed.
    pub fn next(&mut self, input: &mut Bytes) -> Result<Option<Frame>, BadFrame> {
        loop {
            if let Some((offset, remaining)) = self.data {
                return Ok(self.piece(offset, remaining, input));
            }
            if !self.fill_header(input)? {
                return Ok(None);
            }
            if let Some(frame) = self.take_header()? {
                return Ok(Some(frame));
            }
        }
    }

    fn piece(&mut self, offset: u64, remaining: u32, input: &mut Bytes) -> Option<Frame> {
        if input.is_empty() {
            return None;
        }
        let payload = input.split_to(input.len().min(remaining as usize));
        let left = remaining - payload.len() as u32;
        self.data = (left > 0).then(|| (offset + payload.len() as u64, left));
        Some(Frame::Data { offset, payload })
    }

    /// Whether the header is complete.
    fn fill_header(&mut self, input: &mut Bytes) -> Result<bool, BadFrame> {
        if self.header.is_empty() && !input.is_empty() {
            self.header.push(input.get_u8());
        }
        let Some(kind) = self.header.first() else { return Ok(false) };
        let wanted = match *kind {
            HELLO => LONGEST_HEADER,
            DATA => DATA_HEADER,
            ACK | FIN => 9,
            RESET => 2,
            _ => return Err(BadFrame),
        };
        let missing = (wanted - self.header.len()).min(input.len());
        self.header.extend_from_slice(&input.split_to(missing));
        Ok(self.header.len() == wanted)
    }

    /// The frame of a complete header; `None` for a DATA frame, whose payload follows.
    fn take_header(&mut self) -> Result<Option<Frame>, BadFrame> {
        let header = std::mem::take(&mut self.header);
        let mut rest = &header[1..];
        Ok(Some(match header[0] {
            HELLO => {
                let version = rest.get_u8();
                let mut id = [0; 16];
                rest.copy_to_slice(&mut id);
                Frame::Hello { version, id, received: rest.get_u64(), window: rest.get_u32() }
            }
            DATA => {
                let (offset, length) = (rest.get_u64(), rest.get_u32());
                if length == 0 || length as usize > LARGEST_DATA || offset.checked_add(length.into()).is_none() {
                    return Err(BadFrame);
                }
                self.data = Some((offset, length));
                return Ok(None);
            }
            ACK => Frame::Ack { offset: rest.get_u64() },
            FIN => Frame::Fin { offset: rest.get_u64() },
            _ => Frame::Reset { code: ResetCode::from_wire(rest.get_u8()) },
        }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames() -> impl Strategy<Value = Frame> {
        prop_oneof![
            (any::<u8>(), any::<[u8; 16]>(), any::<u64>(), any::<u32>())
                .prop_map(|(version, id, received, window)| Frame::Hello { version, id, received, window }),
            (0..u64::MAX / 2, proptest::collection::vec(any::<u8>(), 1..100))
                .prop_map(|(offset, payload)| Frame::Data { offset, payload: payload.into() }),
            any::<u64>().prop_map(|offset| Frame::Ack { offset }),
            any::<u64>().prop_map(|offset| Frame::Fin { offset }),
            Just(Frame::Reset { code: ResetCode::Mismatch }),
        ]
    }

    /// Joins the pieces of DATA frames that follow each other.
    fn joined(frames: Vec<Frame>) -> Vec<Frame> {
        let mut out: Vec<Frame> = Vec::new();
        for frame in frames {
            if let (Frame::Data { offset, payload }, Some(Frame::Data { offset: first, payload: before })) =
                (&frame, out.last_mut())
                && *first + before.len() as u64 == *offset
            {
                *before = [before.as_ref(), payload.as_ref()].concat().into();
                continue;
            }
            out.push(frame);
        }
        out
    }

    proptest! {
        #[test]
        fn frames_survive_any_cutting_of_the_stream(sent in proptest::collection::vec(frames(), 0..8), cut in 1usize..40) {
            let mut wire = BytesMut::new();
            sent.iter().for_each(|frame| frame.encode(&mut wire));
            let mut parser = Parser::default();
            let mut got = Vec::new();
            for piece in wire.chunks(cut) {
                let mut input = Bytes::copy_from_slice(piece);
                while let Some(frame) = parser.next(&mut input).expect("own frames") {
                    got.push(frame);
                }
                prop_assert!(input.is_empty());
            }
            prop_assert_eq!(joined(got), joined(sent));
        }

        #[test]
        fn data_beyond_the_last_offset_is_no_frame(beyond in 0u64..100, cut in 1usize..40) {
            let mut wire = BytesMut::new();
            Frame::Data { offset: u64::MAX - 99 + beyond, payload: vec![0; 100].into() }.encode(&mut wire);
            let mut parser = Parser::default();
            let read: Result<Vec<_>, _> = wire.chunks(cut).map(|piece| parser.next(&mut Bytes::copy_from_slice(piece))).collect();
            prop_assert_eq!(read, Err(BadFrame));
        }

        #[test]
        fn no_bytes_panic_or_loop(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut parser = Parser::default();
            let mut input = Bytes::from(bytes);
            for _ in 0..400 {
                match parser.next(&mut input) {
                    Ok(Some(_)) => {}
                    Ok(None) => { prop_assert!(input.is_empty()); return Ok(()); }
                    Err(BadFrame) => return Ok(()),
                }
            }
            prop_assert!(false, "more frames than bytes");
        }
    }
}
