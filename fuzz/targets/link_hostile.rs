//! One end of a link against a hostile relay: any order of pairings, losses and bytes, well-formed or not, while its owner
//! writes, reads and ends as it likes. It may kill the link; it must not make it panic, forget its end, or hold memory out
//! of proportion to what it carries.
#![no_main]

mod allocated;

use allocated::Allocated;
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use tunnel::limits::{LARGEST_MESSAGE, LINK_CAPACITY};
use tunnel::link::core::Link;
use tunnel::link::frame::{Frame, LARGEST_DATA, VERSION};

const ID: [u8; 16] = [7; 16];
/// What a link may hold beside what it carries, and what the counting itself costs.
const SLACK: usize = 256 * 1024;
/// Most steps of one run, repetitions counted: keeps a run below some milliseconds.
const MOST_STEPS: usize = 400;

#[global_allocator]
static ALLOCATED: Allocated = Allocated::new();

fuzz_target!(|script: &[u8]| {
    let before = ALLOCATED.bytes();
    let mut run = Run { link: Link::new(ID), script, written: 0, read: 0, received: 0, accepted: 0, acked: 0, end: None };
    run.all();
    let held = ALLOCATED.bytes().saturating_sub(before);
    let carried = run.carried();
    assert!(held as u64 <= 3 * carried + SLACK as u64, "{held} bytes are held for {carried}");
});

struct Run<'a> {
    link: Link,
    script: &'a [u8],
    /// Bytes that the link took for sending.
    written: u64,
    /// Bytes that its owner read.
    read: u64,
    /// Up to where well-formed DATA was sent to it.
    received: u64,
    /// Bytes of any kind that it was given: more than this it cannot have to read.
    accepted: u64,
    /// The highest acknowledgement that it was given.
    acked: u64,
    end: Option<tunnel::link::LinkEnd>,
}

impl Run<'_> {
    fn all(&mut self) {
        let mut steps = 0;
        while let Some(code) = self.byte() {
            let times = 1 << self.byte().unwrap_or(0).min(12);
            for _ in 0..times {
                steps += 1;
                if steps > MOST_STEPS {
                    return;
                }
                self.step(code);
                self.check();
            }
        }
    }

    /// An upper bound of what the link carries: unread and unacknowledged bytes.
    fn carried(&self) -> u64 {
        let capacity = LINK_CAPACITY as u64;
        self.accepted.saturating_sub(self.read).min(capacity) + self.written.saturating_sub(self.acked).min(capacity)
    }

    fn step(&mut self, code: u8) {
        match code % 16 {
            0 | 1 => {
                self.link.paired();
                let hello = Frame::Hello { version: VERSION, id: ID, received: self.acked, window: LINK_CAPACITY as u32 };
                self.frame(&hello);
            }
            2 => self.link.paired(),
            3 => self.link.unpaired(),
            4 => {
                let length = usize::from(self.peek());
                let bytes = &self.script[..length.min(self.script.len())];
                self.accepted += bytes.len() as u64;
                self.link.receive(bytes::Bytes::copy_from_slice(bytes));
            }
            5 => self.next_data(usize::from(self.peek()) + 1, 0),
            6 => self.next_data(usize::from(self.peek()) * 256 + 1, 0),
            // A message that brings one new byte and much that came before.
            7 => self.next_data(1, self.received.min(16 * 1024)),
            8 => self.frame(&Frame::Ack { offset: self.acked + u64::from(self.peek()) * 8 }),
            9 => self.frame(&Frame::Fin { offset: self.received + u64::from(self.peek() / 128) }),
            10 => self.write(usize::from(self.peek()) + 1),
            11 => self.write(usize::from(self.peek()) * 512),
            12 => {
                let mut out = vec![0; usize::from(self.peek()) * 64];
                self.read += self.link.read(&mut out) as u64;
            }
            13 => self.transmit(),
            14 => self.link.finish(),
            _ if self.peek() > 250 => self.link.abandon(),
            _ => self.transmit(),
        }
    }

    fn next_data(&mut self, new: usize, old: u64) {
        if !self.link.is_open() {
            return;
        }
        let payload = vec![b'x'; new.min(LARGEST_DATA) + old as usize].into();
        self.accepted += new.min(LARGEST_DATA) as u64;
        self.frame(&Frame::Data { offset: self.received - old, payload });
        self.received += new.min(LARGEST_DATA) as u64;
    }

    fn frame(&mut self, frame: &Frame) {
        let mut wire = BytesMut::new();
        frame.encode(&mut wire);
        self.link.receive(wire.freeze());
        if let (Frame::Ack { offset }, true) = (frame, self.link.is_open() && self.link.end().is_none()) {
            self.acked = *offset;
        }
    }

    fn write(&mut self, size: usize) {
        if self.link.end().is_none() && self.link.is_writable() {
            self.written += self.link.write(&vec![b'y'; size]) as u64;
        }
    }

    fn transmit(&mut self) {
        if let Some(message) = self.link.transmit(true) {
            assert!(message.len() <= LARGEST_MESSAGE);
        }
    }

    fn check(&mut self) {
        let _ = (self.link.is_readable(), self.link.is_writable(), self.link.is_waiting(), self.link.is_ack_owed());
        let _ = (self.link.is_closing(), self.link.is_open());
        if self.end.is_some() {
            assert_eq!(self.end.as_ref(), self.link.end(), "an end is the last word");
        }
        self.end = self.link.end().cloned();
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.script.split_first()?;
        self.script = rest;
        Some(*first)
    }

    fn peek(&self) -> u8 {
        self.script.first().copied().unwrap_or(0)
    }
}
