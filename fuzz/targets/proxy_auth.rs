//! `Proxy-Authorization`: only the right name and password are let in, whatever they are wrapped in.
#![no_main]

use agent::proxy::auth::{Auth, Credentials};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: &[u8]| {
    let auth = Auth::new(Some(&Credentials { username: "user".into(), password: "secret".to_owned().into() }));
    if let Ok(admission) = auth.admits_basic([value].into_iter()) {
        let token = std::str::from_utf8(value).expect("text").get("basic ".len()..).unwrap_or_default().trim();
        match admission.region {
            None => assert_eq!(token, "dXNlcjpzZWNyZXQ="),
            Some(region) => assert!(!region.is_empty() && token.starts_with("dXNlcityZWdpb249")),
        }
    }
    assert!(auth.admits_basic([value, value].into_iter()).is_err());
});
