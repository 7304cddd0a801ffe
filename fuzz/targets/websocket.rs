//! A client's side of a WebSocket at the relay: however the stream is cut it means the same, no byte comes out that did not
//! go in, and what is told is what may be said.
#![no_main]

use libfuzzer_sys::fuzz_target;
use relay::fuzzing::client_frames;

/// Small, so that a made-up length can exceed it and still be there.
const LARGEST: usize = 300;

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, wire) = input;
    let whole = client_frames(wire, wire.len(), LARGEST);
    assert_eq!(whole, client_frames(wire, usize::from(cut), LARGEST));
    assert!(whole.binary.len() + whole.texts.concat().len() + whole.pings.concat().len() <= wire.len());
    assert!(whole.texts.iter().all(|text| text.len() <= LARGEST && std::str::from_utf8(text).is_ok()));
    assert!(whole.pings.iter().all(|payload| payload.len() <= 125));
    assert!(whole.broke.is_none_or(|code| matches!(code, 1002 | 1007 | 1009)));
    assert!(whole.closed.flatten().is_none_or(|code| matches!(code, 1000..=1014 | 3000..=4999)));
    assert!(whole.closed.is_none() || whole.broke.is_none(), "nothing after a close counts");
});
