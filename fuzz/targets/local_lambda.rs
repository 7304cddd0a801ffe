//! Bodies, paths, options and answers of the local Lambda: see `agent::fuzzing::local`.
#![no_main]

use agent::fuzzing::local;

libfuzzer_sys::fuzz_target!(|input: (u16, u8, &[u8])| {
    let (status, split, bytes) = input;
    local::options(bytes);
    local::change(bytes);
    let _ = std::str::from_utf8(bytes).map(local::paths);
    let (header, body) = bytes.split_at(usize::from(split).min(bytes.len()));
    local::answer(status, header, body);
});
