//! The ledger's file and Lambda's REPORT line: no line panics, and a file made short sums up to the same.
#![no_main]

use agent::fuzzing::money::{ledger, report};
use agent::scheduler::time::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let [whole, short] = ledger(input, Timestamp::from_millis(1_795_564_800_000));
    assert_eq!(whole, short);
    report(&String::from_utf8_lossy(input), "a");
});
