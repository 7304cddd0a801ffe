//! A site's response, head and body: see `agent::fuzzing::http`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: (u8, u8, &[u8])| {
    let (kind, cut, bytes) = input;
    let method = if kind & 1 == 0 { "GET" } else { "HEAD" };
    agent::fuzzing::http::response(bytes, method, kind & 2 != 0, kind & 4 != 0, cut.into());
});
