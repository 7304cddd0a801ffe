//! An agent that is told to end is gone within two seconds, whatever hangs.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::processes::children;
use super::program::{BASE, Program, send_signal};
use super::tools::wait_for;

/// The contract's two seconds, and what a busy machine may add.
const LIMIT: Duration = Duration::from_secs(4);

fn assert_ends_at_once(mut agent: Program, what: &str) {
    let told = Instant::now();
    agent.signal("TERM");
    assert_eq!(agent.wait().code(), Some(0), "{what}");
    assert!(told.elapsed() < LIMIT, "{what}: {:?}", told.elapsed());
}

/// An agent, one of whose processes neither works nor ends.
fn with_a_stopped(process: &str) -> (Program, u32) {
    let agent = Program::start(BASE);
    let stopped = children(agent.process.id(), process)[0];
    send_signal(stopped, "STOP");
    (agent, stopped)
}

#[test]
fn a_relay_that_hangs_holds_nobody_up() {
    let (agent, relay) = with_a_stopped("local-relay");
    assert_ends_at_once(agent, "a stopped relay");
    send_signal(relay, "CONT");
}

#[test]
fn a_local_lambda_that_hangs_is_killed() {
    let (agent, _) = with_a_stopped("local-lambda");
    assert_ends_at_once(agent, "a stopped local Lambda");
}

#[test]
fn a_relay_that_never_answered_holds_nobody_up() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("bind");
    let (address, token) = (silent.local_addr().expect("address"), "0123456789abcdef".repeat(4));
    let agent = Program::spawn(&format!("{BASE}[relay]\nurl = \"ws://{address}\"\ntoken = \"{token}\"\n"));
    wait_for("an exit that dials", || (agent.status()?["exits"][0]["state"] == "invoked").then_some(()));
    assert_ends_at_once(agent, "a silent relay");
}
