//! What these tests have in common: a region of one label, streams that say one byte at a time, frozen functions.

use serde_json::Value;

use super::processes::children;
use super::program::{BASE, Program};
use super::tools::wait_for;

/// A configuration of one region with functions of this life, in seconds, and more lines of `[exits]`.
pub fn configuration(frequency: &str, timeout: u32, exits: &str) -> String {
    format!("regions = [\"only\"]\nfrequency = \"{frequency}\"\n[aws]\ntimeout = \"{timeout}s\"\n{BASE}{exits}\n")
}

/// The exits of the status, running and ended.
pub fn exits(agent: &Program) -> Option<Vec<Value>> {
    Some(agent.status()?["exits"].as_array()?.clone())
}

/// The exit of this name.
pub fn exit(agent: &Program, id: &str) -> Option<Value> {
    exits(agent)?.into_iter().find(|exit| exit["id"] == id)
}

pub fn wait_until_renewed(agent: &Program, id: &str) {
    wait_for("the renewal", || (exit(agent, id)?["renewals"].as_u64()? > 0).then_some(()));
}

/// Pids of the functions that are frozen.
pub fn frozen(agent: &Program) -> Vec<u32> {
    let lambda = children(agent.process.id(), "local-lambda");
    let functions = lambda.iter().flat_map(|pid| children(*pid, "local-function"));
    functions.filter(|pid| stat(*pid).contains(") T ")).collect()
}

fn stat(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default()
}
