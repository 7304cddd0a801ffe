//! The memory through which messages pass: lent while bytes are in it, so an idle leg has none.
//!
//! Large buffers are few, whatever the legs do: when all are lent, more work goes on in small ones. So legs that are read
//! slowly make others slower at worst, and never wait for memory or take it without end.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::websocket::{LONGEST_HEAD, Opcode, write_head};

/// A large buffer, bytes: what rustls takes at a time, which is four records and one write.
const LARGE: usize = 64 * 1024;
/// A small one: one read of rustls.
const SMALL: usize = 4 * 1024;
/// Large buffers lent at a time: 16 MiB, and TLS may hold as much again. A hundred bulk transfers at once are at full speed.
const MOST_LENT: usize = 256;
/// Large buffers kept for the next: 4 MiB.
const MOST_KEPT: usize = 64;
/// What is worth a copy to give a large buffer back at once.
const WORTH_A_COPY: usize = 8 * 1024;

/// Lends buffers.
#[derive(Clone, Default)]
pub(crate) struct Buffers {
    shelf: Arc<Mutex<Shelf>>,
}

#[derive(Default)]
struct Shelf {
    kept: Vec<Vec<u8>>,
    lent: usize,
}

/// A buffer in use: read into it, keep of it what is payload, and make it a message.
///
/// ```text
///   room for a head │ kept │ spare
///                 start   end
/// ```
pub(super) struct Buffer {
    lent: Lent,
    start: usize,
    end: usize,
}

/// The bytes of a buffer; given back when dropped.
struct Lent {
    bytes: Vec<u8>,
    shelf: Arc<Mutex<Shelf>>,
}

impl Buffers {
    /// An empty buffer.
    pub(super) fn lend(&self) -> Buffer {
        let bytes = lock(&self.shelf).lend().unwrap_or_else(|| vec![0; SMALL]);
        Buffer { lent: Lent { bytes, shelf: Arc::clone(&self.shelf) }, start: LONGEST_HEAD, end: LONGEST_HEAD }
    }
}

impl Shelf {
    fn lend(&mut self) -> Option<Vec<u8>> {
        let more = self.lent < MOST_LENT;
        self.lent += usize::from(more);
        more.then(|| self.kept.pop().unwrap_or_else(|| vec![0; LARGE]))
    }

    fn take_back(&mut self, bytes: Vec<u8>) {
        self.lent -= 1;
        if self.kept.len() < MOST_KEPT {
            self.kept.push(bytes);
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.bytes.len() == LARGE {
            lock(&self.shelf).take_back(std::mem::take(&mut self.bytes));
        }
    }
}

fn lock(shelf: &Mutex<Shelf>) -> MutexGuard<'_, Shelf> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Buffer {
    /// Where the next bytes are read to.
    pub(super) fn spare(&mut self) -> &mut [u8] {
        self.lent.bytes.get_mut(self.end..).unwrap_or_default()
    }

    /// Where [`Buffer::spare`] begins.
    pub(super) fn end(&self) -> usize {
        self.end
    }

    /// These bytes.
    pub(super) fn bytes(&mut self, range: Range<usize>) -> &mut [u8] {
        self.lent.bytes.get_mut(range).unwrap_or_default()
    }

    /// Whether what is left is not worth a read.
    pub(super) fn is_full(&self) -> bool {
        self.lent.bytes.len() - self.end < self.lent.bytes.len() / 8
    }

    /// How many bytes are kept.
    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Keeps these bytes, which lie behind what is kept already: the first where they are, the others moved up to them.
    pub(super) fn keep(&mut self, range: Range<usize>) {
        if self.is_empty() {
            (self.start, self.end) = (range.start, range.end);
            return;
        }
        let length = range.len();
        self.lent.bytes.copy_within(range, self.end);
        self.end += length;
    }

    /// What is kept, as one binary message with its head before it.
    pub(super) fn into_message(mut self) -> Bytes {
        let mut head = [0; LONGEST_HEAD];
        let length = write_head(Opcode::Binary, self.end - self.start, &mut head);
        self.start -= length;
        let room = self.lent.bytes.get_mut(self.start..).unwrap_or_default();
        for (slot, byte) in room.iter_mut().zip(head.get(..length).unwrap_or_default()) {
            *slot = *byte;
        }
        if self.end - self.start <= WORTH_A_COPY { Bytes::copy_from_slice(self.as_ref()) } else { Bytes::from_owner(self) }
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self.lent.bytes.get(self.start..self.end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(buffers: &Buffers, pieces: &[&[u8]]) -> Bytes {
        let mut buffer = buffers.lend();
        for piece in pieces {
            // As if a frame's head stood before each.
            let from = buffer.end() + 14;
            let range = from..from + piece.len();
            buffer.bytes(range.clone()).copy_from_slice(piece);
            buffer.keep(range);
        }
        buffer.into_message()
    }

    fn lent_and_kept(buffers: &Buffers) -> (usize, usize) {
        let shelf = lock(&buffers.shelf);
        (shelf.lent, shelf.kept.len())
    }

    #[test]
    fn pieces_become_one_message_with_its_head_in_front() {
        let buffers = Buffers::default();
        assert_eq!(message(&buffers, &[b"ab", b"", b"cde"]), &b"\x82\x05abcde"[..]);
        let long = vec![7; 1000];
        assert_eq!(message(&buffers, &[&long]), [&[0x82, 126, 3, 0xe8], &long[..]].concat());
        let large = message(&buffers, &[&[1; 30_000], &[2; 30_000]]);
        assert_eq!((&large[..4], large.len()), (&[0x82, 126, 0xea, 0x60][..], 60_004));
    }

    #[test]
    fn a_small_message_holds_no_large_buffer_and_what_was_lent_comes_back() {
        let buffers = Buffers::default();
        let small = message(&buffers, &[b"small"]);
        assert_eq!(lent_and_kept(&buffers), (0, 1));
        let large = message(&buffers, &[&[1; 60_000]]);
        assert_eq!(lent_and_kept(&buffers), (1, 0));
        drop((small, large));
        assert_eq!(lent_and_kept(&buffers), (0, 1));
    }

    #[test]
    fn large_buffers_are_few_and_small_ones_are_always_there() {
        let buffers = Buffers::default();
        let mut held: Vec<_> = (0..MOST_LENT).map(|_| buffers.lend()).collect();
        assert!(held.iter_mut().all(|buffer| buffer.spare().len() > SMALL));
        assert!(buffers.lend().spare().len() < SMALL);
        held.truncate(1);
        assert_eq!(lock(&buffers.shelf).kept.len(), MOST_KEPT);
        assert!(buffers.lend().spare().len() > SMALL);
    }
}
