//! The environment and flags over a small file: any key and value gives a configuration or its mistakes.
#![no_main]

use std::path::PathBuf;

use agent::config::{Flags, Mode, Sources};
use libfuzzer_sys::fuzz_target;

const FILE: &str = "[[relay]]\nurl = \"wss://a\"\ntoken = \"b\"\n[[routing.rules]]\nhosts = [\"*\"]\nvia = \"direct\"\n";

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let listen = lines.next().map(str::to_owned);
    let pairs = lines.filter_map(|line| line.split_once('='));
    let sources = Sources {
        file: PathBuf::from("/nonexistent/config.toml"),
        file_required: true,
        environment: pairs.map(|(key, value)| (format!("AWSLAMBDAPROXY_{key}").into(), value.into())).collect(),
        flags: Flags::default().set("--listen", "proxy.listen", listen.clone()).bypass(listen.as_slice()),
        mode: Mode::Cloud,
    };
    if let Err(mistakes) = agent::fuzzing::config(FILE, sources) {
        let _ = mistakes.to_string();
    }
});
