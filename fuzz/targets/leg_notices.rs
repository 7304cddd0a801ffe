//! Text between relay and end: anything that is no notice is ignored, and what is one has one meaning.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tunnel::leg::port::{Notice, parse_sync, sync};

fuzz_target!(|text: &str| {
    if let Some(notice) = Notice::parse(text) {
        assert_eq!(Notice::parse(&notice.to_text()), Some(notice));
    }
    if let Some(pairing) = parse_sync(text) {
        assert_eq!(parse_sync(&sync(pairing)), Some(pairing));
    }
});
