//! The authority form: no text panics, and what parses has one stable spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tunnel::destination::Destination;

fuzz_target!(|text: &str| {
    let _ = Destination::parse_or(text, 443);
    if let Ok(destination) = text.parse::<Destination>() {
        assert_ne!(destination.port, 0);
        assert_eq!(destination.to_string().parse(), Ok(destination));
    }
});
