//! Bytes from the relay as frames of the link: however the stream is cut, the frames are the same, each byte is taken
//! once, and what was read is written back the same.
#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use tunnel::link::frame::{BadFrame, Frame, Parser};

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, wire) = input;
    let whole = read(wire.len().max(1), wire);
    assert_eq!(whole, read(usize::from(cut).max(1), wire));
    let (Ok(frames), mut again) = (whole, BytesMut::new()) else { return };
    frames.iter().for_each(|frame| frame.encode(&mut again));
    assert_eq!(read(again.len().max(1), &again), Ok(frames));
});

/// The frames of `wire`, read in pieces of `cut` bytes, the pieces of DATA joined again.
fn read(cut: usize, wire: &[u8]) -> Result<Vec<Frame>, BadFrame> {
    let (mut parser, mut frames) = (Parser::default(), Vec::new());
    for piece in wire.chunks(cut) {
        let mut input = Bytes::copy_from_slice(piece);
        while let Some(frame) = parser.next(&mut input)? {
            add(&mut frames, frame);
        }
        assert!(input.is_empty(), "bytes were left behind");
    }
    Ok(frames)
}

fn add(frames: &mut Vec<Frame>, frame: Frame) {
    if let Frame::Data { offset, payload } = &frame {
        assert!(!payload.is_empty());
        if let Some(Frame::Data { offset: first, payload: before }) = frames.last_mut()
            && *first + before.len() as u64 == *offset
        {
            *before = [before.as_ref(), payload.as_ref()].concat().into();
            return;
        }
    }
    frames.push(frame);
}
