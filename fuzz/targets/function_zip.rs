//! A zip that somebody names with `--function-zip`, and the program in it: see `agent::package`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| agent::fuzzing::package(bytes));
