//! The receiving half: what came and was not yet read.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

use super::outgoing::Impossible;
use crate::limits::{LARGEST_MESSAGE, LINK_CAPACITY};

/// Bytes read since the last ACK that make another urgent: often enough to keep the peer's window and its replay
/// buffer moving, seldom enough to cost nothing.
const URGENT: u64 = 512 * 1024;

/// Pieces below this are copied together when they wait: each would keep alive the whole message that it came in, and a
/// hostile relay could send them a byte at a time. So about twice the unread bytes are held at worst.
const SMALL: usize = LARGEST_MESSAGE / 2;

/// Bytes in order, each once.
pub(super) struct Incoming {
    queue: VecDeque<Bytes>,
    /// Small pieces behind the queue, copied.
    tail: BytesMut,
    /// Offset behind the last byte received; one more once the end has come.
    received: u64,
    /// Offset behind the last byte read; one more once the end was read.
    taken: u64,
    acked: u64,
    finished: bool,
    /// Nobody reads any more: bytes count as read when they come.
    discarding: bool,
}

impl Incoming {
    pub(super) fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            tail: BytesMut::new(),
            received: 0,
            taken: 0,
            acked: 0,
            finished: false,
            discarding: false,
        }
    }

    /// Takes a piece of DATA; what came before is skipped.
    pub(super) fn accept(&mut self, offset: u64, mut payload: Bytes) -> Result<(), Impossible> {
        let end = offset.checked_add(payload.len() as u64).ok_or(Impossible)?;
        if offset > self.received || end - self.taken.min(end) > LINK_CAPACITY as u64 {
            return Err(Impossible);
        }
        if end <= self.received {
            return Ok(());
        }
        if self.finished {
            return Err(Impossible);
        }
        payload.advance((self.received - offset) as usize);
        self.received = end;
        if self.discarding {
            self.taken = end;
        } else {
            self.push(payload);
        }
        Ok(())
    }

    /// What is read at once is not copied, however small it is.
    fn push(&mut self, payload: Bytes) {
        if payload.len() >= SMALL || self.is_empty() {
            self.seal();
            self.queue.push_back(payload);
        } else {
            self.tail.extend_from_slice(&payload);
            if self.tail.len() >= SMALL {
                self.seal();
            }
        }
    }

    /// Ends the block of small pieces.
    fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.queue.push_back(std::mem::take(&mut self.tail).freeze());
        }
    }

    /// Takes FIN.
    pub(super) fn finish(&mut self, offset: u64) -> Result<(), Impossible> {
        if self.finished {
            return if offset.checked_add(1) == Some(self.received) { Ok(()) } else { Err(Impossible) };
        }
        if offset != self.received {
            return Err(Impossible);
        }
        self.finished = true;
        self.received = offset.checked_add(1).ok_or(Impossible)?;
        if self.is_empty() {
            self.taken = self.received;
        }
        Ok(())
    }

    /// Reads what there is into `out`; 0 when there is nothing, or at the end.
    pub(super) fn read(&mut self, out: &mut [u8]) -> usize {
        let mut size = 0;
        loop {
            if self.queue.is_empty() {
                self.seal();
            }
            let Some(front) = self.queue.front_mut() else { break };
            let piece = front.len().min(out.len() - size);
            out[size..size + piece].copy_from_slice(&front[..piece]);
            front.advance(piece);
            size += piece;
            if !front.is_empty() {
                break;
            }
            self.queue.pop_front();
        }
        self.taken += size as u64;
        if self.finished && self.is_empty() {
            self.taken = self.received;
        }
        size
    }

    /// Nobody will read: everything counts as read, now and later.
    pub(super) fn discard(&mut self) {
        self.discarding = true;
        self.queue.clear();
        self.tail = BytesMut::new();
        self.taken = self.received;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.tail.is_empty()
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether everything has come, was read and was acknowledged, the end included.
    pub(super) fn is_settled(&self) -> bool {
        self.finished && self.acked == self.received
    }

    /// Where HELLO says we stand.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Whether the peer should hear an ACK at once, rather than with whatever is sent next.
    pub(super) fn is_ack_urgent(&self) -> bool {
        self.taken - self.acked >= URGENT || (self.finished && self.taken > self.acked)
    }

    pub(super) fn is_ack_owed(&self) -> bool {
        self.taken > self.acked
    }

    /// The offset to acknowledge now.
    pub(super) fn take_ack(&mut self) -> u64 {
        self.acked = self.taken;
        self.taken
    }

    /// A new pairing: the peer may have missed the last ACK.
    pub(super) fn rewind(&mut self) {
        self.acked = self.acked.min(self.taken.saturating_sub(1));
    }
}
