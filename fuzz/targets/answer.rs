//! What Invoke returns: no JSON panics, and an answer survives the wire.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tunnel::answer::Summary;

fuzz_target!(|json: &[u8]| {
    if let Ok(summary) = serde_json::from_slice::<Summary>(json) {
        let written = serde_json::to_vec(&summary).expect("plain data");
        assert_eq!(serde_json::from_slice::<Summary>(&written).expect("own JSON"), summary);
    }
});
