//! An agent whose Invokes pass the test's front, and what tests ask of it.

use serde_json::Value;

use super::clerk::DESK;
use super::desk::Desk;
use super::processes::{children, state_of};
use super::program::{BASE, Program};
use super::support::desktop::Desktop;
use super::tools::wait_for;

/// A configuration of one region of one instance, with functions of this life, in seconds, and more lines of `[exits]`.
pub fn configuration(timeout: u32, exits: &str) -> String {
    format!(
        "regions = [\"only\"]\nfrequency = \"never\"\n[aws]\ntimeout = \"{timeout}s\"\n{BASE}{exits}\n[local]\nconcurrency = 1\n"
    )
}

/// The same with room for another instance.
pub fn with_room(configuration: &str) -> String {
    configuration.replace("concurrency = 1", "concurrency = 2")
}

/// Starts an agent whose local Lambda is the desk's.
pub fn agent(desk: &Desk, configuration: &str) -> Program {
    let itself = std::env::current_exe().expect("own file").display().to_string();
    let desktop = Desktop::new(configuration).of(&itself).with([(DESK, desk.address.to_string())]);
    Program::on(desktop, &[], &["--local"])
}

/// The exit of this name.
pub fn exit(agent: &Program, id: &str) -> Option<Value> {
    agent.status()?["exits"].as_array()?.iter().find(|exit| exit["id"] == id).cloned()
}

pub fn wait_until_renewed(agent: &Program, times: u64) {
    wait_for("the renewal", || (exit(agent, "e1")?["renewals"].as_u64()? >= times).then_some(()));
}

/// Pids of the functions; with `only_frozen`, of those that are frozen.
pub fn functions(desk: &Desk, only_frozen: bool) -> Vec<u32> {
    let functions = desk.lambda().map(|lambda| children(lambda, "local-function")).unwrap_or_default();
    functions.into_iter().filter(|pid| !only_frozen || state_of(*pid) == Some('T')).collect()
}
