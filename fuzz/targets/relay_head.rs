//! The head of a request for a leg: any head is granted or refused with a status of the contract, and what is granted has
//! everything that it needs exactly once.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use http::header::{AUTHORIZATION, SEC_WEBSOCKET_KEY};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request};
use libfuzzer_sys::fuzz_target;
use relay::fuzzing::{client_address, judge_head};

const NAMES: [&str; 10] = [
    "connection",
    "upgrade",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-protocol",
    "authorization",
    "x-tunnel",
    "x-instance",
    "x-forwarded-for",
    "forwarded",
];

fuzz_target!(|text: &[u8]| {
    let Some(head) = head(text) else { return };
    match judge_head(&head) {
        None => assert!(head.method != Method::GET || !head.uri.path().starts_with("/v1/agent") || head.uri.path().len() > 9),
        Some(Ok((key, is_agent))) => {
            assert_eq!(head.headers.get_all(AUTHORIZATION).iter().count(), 1);
            assert_eq!(head.headers.get_all(SEC_WEBSOCKET_KEY).iter().count(), 1);
            assert_eq!(key.len(), 24);
            assert_eq!(is_agent, head.uri.path() == "/v1/agent");
        }
        Some(Err(status)) => assert!(matches!(status, 400 | 401 | 426), "{status}"),
    }
    let (near, far) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
    let trusted = ["127.0.0.0/8".parse().expect("a range")];
    client_address(near, &trusted, &head);
    assert_eq!(client_address(far, &trusted, &head), far, "only a trusted proxy is believed");
});

/// The first byte chooses method and path; then a line for each field: a digit for a well-known name, or any name and
/// a colon.
fn head(text: &[u8]) -> Option<Parts> {
    let (choice, fields) = text.split_first()?;
    let mut head = Request::new(()).into_parts().0;
    head.uri = ["/v1/agent", "/v1/function", "/v1/other"][usize::from(choice % 3)].parse().ok()?;
    if choice & 64 != 0 {
        head.method = Method::POST;
    }
    for line in fields.split(|byte| *byte == b'\n') {
        let (name, value) = match line.split_first() {
            Some((digit, value)) if digit.is_ascii_digit() => (NAMES.get(usize::from(digit - b'0')).copied()?.as_bytes(), value),
            _ => line.split_at(line.iter().position(|byte| *byte == b':')?),
        };
        head.headers.append(HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?);
    }
    Some(head)
}
