//! A SOCKS5 client's messages: see `agent::fuzzing::socks5`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| agent::fuzzing::socks5::messages(bytes));
