//! The exit's answer to a CONNECT: any header makes a refusal, and a refusal survives the wire.
#![no_main]

use http::{HeaderValue, StatusCode};
use libfuzzer_sys::fuzz_target;
use tunnel::outcome::Refusal;

fuzz_target!(|input: (u16, &[u8])| {
    let (status, bytes) = input;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let header = HeaderValue::from_bytes(bytes).ok();
    let refusal = Refusal::from_response(status, header.as_ref());
    assert_eq!(Refusal::from_response(status, Some(&refusal.to_proxy_status())), refusal);
    let made = Refusal::new(refusal.error, String::from_utf8_lossy(bytes));
    assert_eq!(Refusal::from_response(status, Some(&made.to_proxy_status())), made);
});
