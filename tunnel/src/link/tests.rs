//! Two ends of a link and everything that can be lost between them.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::core::Link;
use super::end::LinkEnd;
use super::frame::Frame;
use crate::limits::LINK_CAPACITY;

const ID: [u8; 16] = [7; 16];

/// Two ends and what travels between them in the present pairing.
struct World {
    ends: [Link; 2],
    wires: [Vec<u8>; 2],
    sent: [Vec<u8>; 2],
    got: [Vec<u8>; 2],
}

impl World {
    fn new() -> Self {
        Self {
            ends: [Link::new(ID), Link::new(ID)],
            wires: Default::default(),
            sent: Default::default(),
            got: Default::default(),
        }
    }

    /// Loses everything under way.
    fn cut(&mut self) {
        self.wires = Default::default();
        self.ends.iter_mut().for_each(Link::unpaired);
    }

    fn pair(&mut self) {
        self.cut();
        self.ends.iter_mut().for_each(Link::paired);
    }

    fn write(&mut self, end: usize, size: usize) {
        let from = self.sent[end].len();
        let data: Vec<u8> = (from..from + size).map(|n| (n % 251) as u8).collect();
        let taken = self.ends[end].write(&data);
        self.sent[end].extend_from_slice(&data[..taken]);
    }

    fn transmit(&mut self, end: usize, messages: usize) {
        for _ in 0..messages {
            match self.ends[end].transmit(true) {
                Some(message) => self.wires[end].extend_from_slice(&message),
                None => return,
            }
        }
    }

    /// Delivers up to `size` bytes of what `end` sent.
    fn deliver(&mut self, end: usize, size: usize) {
        let rest = self.wires[end].split_off(size.min(self.wires[end].len()));
        let piece = std::mem::replace(&mut self.wires[end], rest);
        self.ends[1 - end].receive(Bytes::from(piece));
    }

    fn read(&mut self, end: usize, size: usize) {
        let mut out = vec![0; size];
        let read = self.ends[end].read(&mut out);
        self.got[end].extend_from_slice(&out[..read]);
    }

    /// Lets everything pass until nothing moves.
    fn settle(&mut self) {
        loop {
            let before = (self.got[0].len(), self.got[1].len());
            for end in [0, 1] {
                self.transmit(end, usize::MAX);
                self.deliver(end, usize::MAX);
                self.read(1 - end, 1 << 22);
            }
            if self.wires.iter().all(Vec::is_empty) && before == (self.got[0].len(), self.got[1].len()) {
                self.transmit(0, usize::MAX);
                self.transmit(1, usize::MAX);
                if self.wires.iter().all(Vec::is_empty) {
                    return;
                }
            }
        }
    }

    fn assert_whole(&self) {
        assert!(self.ends.iter().all(|end| !matches!(end.end(), Some(end) if *end != LinkEnd::Done)));
        assert!(self.got[1] == self.sent[0] && self.got[0] == self.sent[1], "bytes lost, doubled or out of order");
    }
}

#[test]
fn a_stream_survives_a_cut_at_every_byte() {
    let length = {
        let mut world = World::new();
        world.pair();
        world.write(0, 300);
        world.ends[0].finish();
        world.transmit(0, usize::MAX);
        world.deliver(0, usize::MAX);
        world.transmit(1, usize::MAX);
        world.deliver(1, usize::MAX);
        world.transmit(0, usize::MAX);
        300 + 100
    };
    for cut in 0..length {
        for side in [0, 1] {
            let mut world = World::new();
            world.pair();
            world.write(0, 300);
            world.write(1, 200);
            world.ends[0].finish();
            world.ends[1].finish();
            for _ in 0..4 {
                world.transmit(0, usize::MAX);
                world.transmit(1, usize::MAX);
                world.deliver(side, cut);
                world.deliver(1 - side, usize::MAX);
                world.read(0, 90);
                world.read(1, 90);
            }
            world.pair();
            world.settle();
            world.assert_whole();
            world.cut();
            assert_eq!(
                world.ends.each_ref().map(|end| end.end().cloned()),
                [Some(LinkEnd::Done), Some(LinkEnd::Done)],
                "cut at {cut}"
            );
        }
    }
}

#[test]
fn both_ends_end_cleanly_after_fin_and_its_ack() {
    let mut world = World::new();
    world.pair();
    world.write(0, 10);
    world.ends[0].finish();
    world.settle();
    assert_eq!(world.ends[0].end(), None, "the other direction is open");
    world.write(1, 10);
    world.ends[1].finish();
    world.settle();
    world.assert_whole();
    assert_eq!(world.ends.each_ref().map(|end| end.end().cloned()), [Some(LinkEnd::Done), Some(LinkEnd::Done)]);
}

#[test]
fn an_abandoned_link_is_never_a_clean_end() {
    let mut world = World::new();
    world.pair();
    world.settle();
    world.ends[0].abandon();
    world.settle();
    assert_eq!(world.ends[0].end(), Some(&LinkEnd::Abandoned));
    assert!(matches!(world.ends[1].end(), Some(LinkEnd::ResetByPeer(_))));
}

#[test]
fn a_writer_stalls_at_the_capacity_and_goes_on_when_read() {
    let mut world = World::new();
    world.pair();
    world.write(0, LINK_CAPACITY + 5);
    assert_eq!(world.sent[0].len(), LINK_CAPACITY);
    assert!(!world.ends[0].is_writable());
    world.transmit(1, usize::MAX);
    world.deliver(1, usize::MAX);
    world.transmit(0, usize::MAX);
    world.deliver(0, usize::MAX);
    assert_eq!(world.ends[1].end(), None, "all of it fits the receiver");
    world.settle();
    assert!(world.ends[0].is_writable());
    world.assert_whole();
}

#[test]
fn another_link_or_version_is_a_mismatch() {
    for hello in [
        Frame::Hello { version: 2, id: ID, received: 0, window: 1 },
        Frame::Hello { version: 1, id: [8; 16], received: 0, window: 1 },
    ] {
        let mut link = Link::new(ID);
        link.paired();
        let mut wire = bytes::BytesMut::new();
        hello.encode(&mut wire);
        link.receive(wire.freeze());
        assert_eq!(link.end(), Some(&LinkEnd::Mismatch));
    }
}

#[test]
fn impossible_offsets_are_a_desync() {
    let hello = Frame::Hello { version: 1, id: ID, received: 0, window: 1 << 20 };
    for bad in [
        Frame::Ack { offset: 1 },
        Frame::Fin { offset: 1 },
        Frame::Data { offset: 1, payload: Bytes::from_static(b"x") },
        Frame::Data { offset: u64::MAX, payload: Bytes::from_static(b"xy") },
        hello.clone(),
    ] {
        let mut link = Link::new(ID);
        link.paired();
        let mut wire = bytes::BytesMut::new();
        hello.encode(&mut wire);
        bad.encode(&mut wire);
        link.receive(wire.freeze());
        assert_eq!(link.end(), Some(&LinkEnd::Desync), "{bad:?}");
    }
}

/// A message that says whether anybody still holds it.
struct Message {
    bytes: Vec<u8>,
    _held: Arc<()>,
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[test]
fn a_byte_of_each_message_does_not_hold_the_messages() {
    let (mut link, held) = (Link::new(ID), Arc::new(()));
    let receive = |frame: Frame, link: &mut Link| {
        let mut wire = bytes::BytesMut::new();
        frame.encode(&mut wire);
        link.receive(Bytes::from_owner(Message { bytes: wire.to_vec(), _held: Arc::clone(&held) }));
        Arc::strong_count(&held) - 1
    };
    link.paired();
    receive(Frame::Hello { version: 1, id: ID, received: 0, window: 0 }, &mut link);
    for size in 1..1000 {
        let held = receive(Frame::Data { offset: 0, payload: vec![7; size].into() }, &mut link);
        assert!(held <= 1, "{held} messages are held for {size} bytes");
    }
    let mut out = [0; 2000];
    assert_eq!((link.read(&mut out), &out[..999]), (999, [7; 999].as_slice()));
    assert!(!link.is_readable());
}

#[derive(Debug, Clone)]
enum Step {
    Write(usize, usize),
    Transmit(usize, usize),
    Deliver(usize, usize),
    Read(usize, usize),
    Cut,
    Pair,
    LoseOneSide(usize),
}

fn steps() -> impl Strategy<Value = Step> {
    let end = 0usize..2;
    prop_oneof![
        4 => (end.clone(), 1usize..200_000).prop_map(|(end, size)| Step::Write(end, size)),
        4 => (end.clone(), 1usize..5).prop_map(|(end, messages)| Step::Transmit(end, messages)),
        6 => (end.clone(), 1usize..90_000).prop_map(|(end, size)| Step::Deliver(end, size)),
        4 => (end.clone(), 1usize..90_000).prop_map(|(end, size)| Step::Read(end, size)),
        1 => Just(Step::Cut),
        2 => Just(Step::Pair),
        1 => end.prop_map(Step::LoseOneSide),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_is_lost_every_byte_arrives_once_and_in_order(steps in proptest::collection::vec(steps(), 0..120)) {
        let mut world = World::new();
        for step in steps {
            match step {
                Step::Write(end, size) => world.write(end, size),
                Step::Transmit(end, messages) => world.transmit(end, messages),
                Step::Deliver(end, size) => world.deliver(end, size),
                Step::Read(end, size) => world.read(end, size),
                Step::Cut => world.cut(),
                Step::Pair => world.pair(),
                Step::LoseOneSide(end) => {
                    world.ends[end].unpaired();
                    world.wires[1 - end].clear();
                }
            }
        }
        world.pair();
        world.settle();
        world.assert_whole();
    }

    #[test]
    fn a_hostile_relay_can_kill_but_not_grow_or_panic(messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..40), written in 0usize..100_000) {
        let mut link = Link::new(ID);
        link.write(&vec![1; written]);
        for message in messages {
            link.paired();
            let mut wire = bytes::BytesMut::new();
            Frame::Hello { version: 1, id: ID, received: 0, window: u32::MAX }.encode(&mut wire);
            wire.extend_from_slice(&message);
            link.receive(wire.freeze());
            while link.transmit(true).is_some() {}
            let mut out = [0; 64];
            link.read(&mut out);
        }
    }
}
