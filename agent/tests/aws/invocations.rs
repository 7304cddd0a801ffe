//! Invocations that AWS refuses, loses or has no room for, while people browse.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;
use std::thread;

use serde_json::json;

use super::program::Program;
use super::tools::{PATIENCE, connect_through, wait_for};
use super::world::{World, deployed};

const REGION: &str = "us-west-2";
const INVOKE: &str = "lambda:InvokeFunction";

fn agent(world: &World, more: &str) -> Program {
    let desktop = world.desktop(&world.configuration(&[REGION], more));
    deployed(&desktop);
    world.account.forget();
    desktop.agent(&[])
}

fn invocations(world: &World) -> Vec<Option<u64>> {
    let calls = world.account.calls_of("administrator");
    calls.into_iter().filter(|call| call.action == INVOKE).map(|call| call.status).collect()
}

#[test]
fn an_invocation_whose_connection_is_lost_is_not_repeated_and_its_streams_go_on() {
    let world = World::new(json!({"pending_s": 0.0, "update_s": 0.0}));
    let desktop = world.desktop(&world.configuration(&[REGION], ""));
    deployed(&desktop);
    world.account.forget();
    world.account.fault(json!({"kind": "lose", "action": INVOKE, "seconds": 2.0, "times": 1}));
    let agent = desktop.agent(&[]);
    agent.wait_until_healthy();
    let far_end = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a site");
    let mut near = connect_through(agent.proxy(), far_end.local_addr().expect("address"));
    let (mut far, _) = far_end.accept().expect("a connection");
    far.set_read_timeout(Some(PATIENCE)).expect("option");
    wait_for("the loss to be noticed", || agent.log().contains("lost").then_some(()));
    let mut byte = [0];
    near.write_all(b"u").expect("up");
    far.read_exact(&mut byte).expect("up");
    far.write_all(b"d").expect("down");
    near.read_exact(&mut byte).expect("down");
    assert_eq!(invocations(&world).len(), 1, "{:?}", invocations(&world));
}

#[test]
fn throttling_and_failures_are_told_and_got_over() {
    // What is no answer of ours waits for a person, and so longer.
    thread::scope(|scope| {
        for (kind, times, code) in [("throttle", 2, "throttled"), ("error", 2, "aws_failed"), ("malformed", 1, "function_error")]
        {
            scope.spawn(move || is_told_and_got_over(kind, times, code));
        }
    });
}

fn is_told_and_got_over(kind: &str, times: u32, code: &str) {
    let world = World::new(json!({"pending_s": 0.0, "update_s": 0.0}));
    let desktop = world.desktop(&world.configuration(&[REGION], ""));
    deployed(&desktop);
    world.account.fault(json!({"kind": kind, "action": INVOKE, "times": times}));
    let agent = desktop.agent(&[]);
    let mut told = Vec::new();
    wait_for("an exit after all", || {
        let status = agent.status()?;
        told.extend(status["problems"].as_array()?.iter().map(|problem| problem["code"].clone()));
        (status["health"] == "healthy").then_some(())
    });
    assert!(told.iter().any(|told| told.as_str().is_some_and(|told| told.contains(code))), "{kind}: {told:?}");
    let settled = wait_for("no problem any more", || agent.status().filter(|status| status["problems"] == json!([])));
    assert_eq!(settled["health"], "healthy", "{kind}");
}

/// With two slots, both held by streams, a third exit would be one too many for the account.
#[test]
fn the_limit_of_concurrent_executions_is_asked_for_and_kept() {
    let world = World::new(json!({"pending_s": 0.0, "update_s": 0.0, "concurrency": 2}));
    let agent = agent(&world, "");
    agent.wait_until_healthy();
    let site = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a site");
    let hold = || connect_through(agent.proxy(), site.local_addr().expect("address"));
    let _first = hold();
    assert_eq!(agent.command(&["rotate"]).status.code(), Some(0));
    let _second = hold();
    let mut rotating = agent.prepare(&["rotate"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    wait_for("the rotation to wait", || (agent.status()?["regions"][0]["state"] == "rotation_waiting").then_some(()));
    rotating.kill().expect("killed");
    rotating.wait().expect("its end");
    let refused = invocations(&world).into_iter().filter(|status| *status == Some(429)).count();
    assert_eq!(refused, 0, "nothing was asked for that the account has not");
}
