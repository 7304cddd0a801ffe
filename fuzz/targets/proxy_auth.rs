//! `Proxy-Authorization`: only the right name and password are let in, whatever they are wrapped in.
#![no_main]

use agent::proxy::auth::{Auth, Credentials};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: &[u8]| {
    let auth = Auth::new(Some(&Credentials { username: "user".into(), password: "secret".to_owned().into() }));
    if auth.accepts_basic([value].into_iter()) {
        let value = std::str::from_utf8(value).expect("text");
        assert_eq!(value.get("basic ".len()..).unwrap_or_default().trim(), "dXNlcjpzZWNyZXQ=");
    }
    assert!(!auth.accepts_basic([value, value].into_iter()));
});
