//! relay.toml: any text gives settings or problems.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use relay::config::Settings;

fuzz_target!(|text: &str| match Settings::parse(Path::new("/nonexistent/relay.toml"), text) {
    Ok(settings) => {
        let _ = (settings.reached_at().map(|url| url.to_string()), settings.certificate_host());
        assert!(settings.adjustable.limits.connections > 0);
    }
    Err(error) => assert!(!error.to_string().is_empty()),
});
