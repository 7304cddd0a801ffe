//! The list of agents: any text gives the list or what is wrong with it.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Err(error) = relay::fuzzing::agents(text) {
        assert!(error.to_string().contains("agents.toml"));
    }
});
