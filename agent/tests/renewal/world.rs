//! What these tests have in common: a region of one label, streams that say one byte at a time, frozen functions.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use serde_json::Value;

use super::processes::children;
use super::program::{BASE, Program};
use super::tools::{PATIENCE, connect_through, wait_for};

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

/// A stream through the agent, and its far end.
pub struct Line {
    pub app: TcpStream,
    far: TcpStream,
}

impl Line {
    pub fn through(agent: &Program) -> Self {
        let site = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("site");
        let app = connect_through(agent.proxy(), site.local_addr().expect("address"));
        let (far, _) = site.accept().expect("connection");
        far.set_read_timeout(Some(PATIENCE)).expect("option");
        let mut line = Self { app, far };
        line.pass();
        line
    }

    /// Passes a byte each way.
    pub fn pass(&mut self) {
        let mut byte = [0];
        self.app.write_all(b"u").expect("up");
        self.far.read_exact(&mut byte).expect("up");
        self.far.write_all(b"d").expect("down");
        self.app.read_exact(&mut byte).expect("down");
    }
}
