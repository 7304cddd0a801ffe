//! The sending half: what was written and is not yet acknowledged, cut into DATA frames once and replayed as they are.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::frame::{DATA_HEADER, LARGEST_DATA, data_header};
use crate::limits::LINK_CAPACITY;

/// First allocation of a frame, bytes: a request fits; a bulk transfer grows it.
const FIRST_FRAME: usize = 2 * 1024;

/// A DATA frame as it goes on the wire, and the offset behind its last byte.
struct Chunk {
    end: u64,
    frame: Bytes,
}

/// Why an offset of the peer cannot be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Impossible;

/// The replay buffer.
pub(super) struct Outgoing {
    chunks: VecDeque<Chunk>,
    /// The frame being written, its header's room in front.
    open: BytesMut,
    /// Offset that the peer has acknowledged.
    acked: u64,
    /// Offset behind the last byte written; one more once finished.
    end: u64,
    finished: bool,
    /// Index into `chunks` of the next one to send in this pairing.
    next: usize,
    /// Offset behind the last byte ever sent.
    sent: u64,
    fin_sent: bool,
    window: u64,
}

impl Outgoing {
    pub(super) fn new() -> Self {
        Self {
            chunks: VecDeque::new(),
            open: BytesMut::new(),
            acked: 0,
            end: 0,
            finished: false,
            next: 0,
            sent: 0,
            fin_sent: false,
            window: 0,
        }
    }

    /// Takes what there is room for; 0 when full.
    pub(super) fn write(&mut self, mut data: &[u8]) -> usize {
        let room = LINK_CAPACITY.saturating_sub((self.end - self.acked) as usize);
        data = &data[..data.len().min(room)];
        let taken = data.len();
        while !data.is_empty() {
            if self.open.is_empty() {
                self.open.reserve(FIRST_FRAME.max(DATA_HEADER + data.len().min(LARGEST_DATA)));
                self.open.resize(DATA_HEADER, 0);
            }
            let (piece, rest) = data.split_at(data.len().min(DATA_HEADER + LARGEST_DATA - self.open.len()));
            self.open.extend_from_slice(piece);
            self.end += piece.len() as u64;
            data = rest;
            if self.open.len() == DATA_HEADER + LARGEST_DATA {
                self.seal();
            }
        }
        taken
    }

    pub(super) fn finish(&mut self) {
        if !self.finished {
            self.seal();
            self.finished = true;
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    pub(super) fn has_room(&self) -> bool {
        self.end - self.acked < LINK_CAPACITY as u64
    }

    /// Whether the peer has everything, the end included.
    pub(super) fn is_settled(&self) -> bool {
        self.finished && self.acked == self.end + 1
    }

    /// Whether something sent or to be sent awaits its acknowledgement.
    pub(super) fn is_waiting(&self) -> bool {
        self.acked < self.end + u64::from(self.finished)
    }

    /// A new pairing: everything from the peer's offset on is sent again.
    pub(super) fn rewind(&mut self, received: u64, window: u32) -> Result<(), Impossible> {
        if received < self.acked || received > self.sent {
            return Err(Impossible);
        }
        self.window = u64::from(window);
        self.next = self.chunks.partition_point(|chunk| chunk.end <= received);
        self.fin_sent = self.finished && received == self.end + 1;
        Ok(())
    }

    /// The peer has taken everything up to `offset`.
    pub(super) fn acknowledge(&mut self, offset: u64) -> Result<(), Impossible> {
        if offset > self.sent {
            return Err(Impossible);
        }
        self.acked = self.acked.max(offset);
        while self.chunks.front().is_some_and(|chunk| chunk.end <= self.acked) {
            self.chunks.pop_front();
            self.next = self.next.saturating_sub(1);
        }
        Ok(())
    }

    /// The next DATA frame, if the peer's window has room for it.
    pub(super) fn next_data(&mut self) -> Option<Bytes> {
        if self.next == self.chunks.len() {
            self.seal();
        }
        let chunk = self.chunks.get(self.next)?;
        if chunk.end > self.acked.saturating_add(self.window) {
            return None;
        }
        self.next += 1;
        self.sent = self.sent.max(chunk.end);
        Some(chunk.frame.clone())
    }

    /// The offset of FIN, when everything before it has been sent in this pairing.
    pub(super) fn next_fin(&mut self) -> Option<u64> {
        if !self.finished || self.fin_sent || self.next < self.chunks.len() {
            return None;
        }
        self.fin_sent = true;
        self.sent = self.end + 1;
        Some(self.end)
    }

    fn seal(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let mut frame = std::mem::take(&mut self.open);
        let length = frame.len() - DATA_HEADER;
        frame[..DATA_HEADER].copy_from_slice(&data_header(self.end - length as u64, length));
        // The room that a small frame did not need would be held until its acknowledgement.
        let frame = if frame.capacity() > 2 * frame.len() { Bytes::copy_from_slice(&frame) } else { frame.freeze() };
        self.chunks.push_back(Chunk { end: self.end, frame });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_frame_does_not_hold_the_room_of_a_large_one() {
        let mut outgoing = Outgoing::new();
        outgoing.rewind(0, u32::MAX).expect("from the start");
        outgoing.write(b"x");
        drop(outgoing.next_data().expect("a frame"));
        let frame = outgoing.chunks.pop_front().expect("kept for replay").frame;
        assert!(frame.try_into_mut().expect("nobody else's").capacity() < 64);
    }
}
