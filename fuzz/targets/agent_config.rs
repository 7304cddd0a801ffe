//! config.toml: any text gives a configuration or its mistakes, and those show no secret.
#![no_main]

use std::path::PathBuf;

use agent::config::{Flags, Mode, Sources};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for mode in [Mode::Cloud, Mode::Local] {
        let sources = Sources {
            file: PathBuf::from("/nonexistent/config.toml"),
            file_required: true,
            environment: Vec::new(),
            flags: Flags::default(),
            mode,
        };
        match agent::fuzzing::config(text, sources) {
            Ok(loaded) => assert!(!loaded.config.regions.is_empty()),
            Err(mistakes) => {
                assert!(!mistakes.list().is_empty());
                let _ = mistakes.to_string();
            }
        }
    }
});
