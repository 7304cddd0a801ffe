//! A client's request, head and body: see `agent::fuzzing::http`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| agent::fuzzing::http::request(input.1, input.0.into()));
