//! What ends a stream all the same, and that it is told as such.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use super::chaos::{Chaos, End, Fate};
use super::processes::{are_gone, descendants};
use super::program::{Program, Relay};
use super::tools::{connect_through, wait_for};
use super::world::{World, configuration};

/// The shortest grace there is.
const GRACE: &str = "grace = \"5s\"";

#[test]
fn grace_that_runs_out_resets_the_streams_tells_why_and_the_region_recovers() {
    let mut relay = Relay::start();
    let agent = Program::start(&configuration(GRACE, &[(relay.address, &relay.token)]));
    let site = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("site");
    let mut app = connect_through(agent.proxy(), site.local_addr().expect("address"));
    let (mut far, _) = site.accept().expect("connection");
    far.write_all(b"x").expect("write");
    app.read_exact(&mut [0]).expect("the stream is up");

    // Its connections end before it has.
    let begun = Instant::now();
    relay.kill();
    wait_for("an exit that says that it is interrupted", || {
        let status = agent.status()?;
        status["exits"].as_array()?.iter().find(|exit| exit["paired"] == false && exit["error"].is_string())?;
        Some(())
    });
    assert_eq!(app.read(&mut [0]).expect_err("no clean end").kind(), ErrorKind::ConnectionReset);
    assert!(begun.elapsed() >= Duration::from_secs(5), "not before grace is over");
    far.set_read_timeout(Some(Duration::from_secs(30))).expect("option");
    assert_eq!(far.read(&mut [0]).expect_err("no clean end").kind(), ErrorKind::ConnectionReset);
    wait_for("a failed exit, a problem and a relay that is down", || {
        let status = agent.status()?;
        let failed = status["exits"].as_array()?.iter().any(|exit| {
            exit["state"] == "failed"
                && exit["ended_reason"] == "lost"
                && exit["error"].as_str().is_some_and(|text| text.contains("grace"))
        });
        let told = status["health"] == "down" && status["problems"][0]["region"] == "only";
        (failed && told && status["relays"][0]["state"] == "down").then_some(())
    });
    assert!(agent.log().contains("streams_cut=1"), "the log says that a stream ended with its exit");

    relay.restart();
    agent.wait_until_healthy();
    assert_eq!(agent.status().expect("status")["problems"].as_array().map(Vec::len), Some(0));
}

#[test]
fn the_functions_of_a_killed_agent_end_within_grace_and_so_does_their_bill() {
    let relay = Relay::start();
    let begun = Instant::now();
    let mut agent = Program::start(&configuration(GRACE, &[(relay.address, &relay.token)]));
    let started = descendants(agent.process.id());
    agent.signal("KILL");
    agent.wait();
    let (lived, killed) = (begun.elapsed(), Instant::now());
    wait_for("the end of every process", || are_gone(&started).then_some(()));
    // Grace, the relay's notice, the ticks and the answer.
    assert!(killed.elapsed() < Duration::from_secs(5 + 6), "{:?}", killed.elapsed());
    let bill = std::fs::read_to_string(agent.billing()).expect("bill");
    let billed: u64 = bill
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("json")["billed_ms"].as_u64().expect("milliseconds"))
        .sum();
    let after = billed.saturating_sub(u64::try_from(lived.as_millis()).expect("short"));
    eprintln!("a killed agent's function was gone after {:.1} s, {after} ms billed afterwards", killed.elapsed().as_secs_f64());
    assert!(billed > 0 && after < 11_000, "billed {billed} ms, of which {after} ms afterwards: {bill}");
}

/// Longer than any start may take.
const STOPPED: Duration = Duration::from_secs(33);

#[test]
fn a_start_is_not_given_up_for_time_in_which_the_agent_did_not_run() {
    let relay = Relay::start();
    let chaos = Chaos::start(relay.address);
    chaos.set(End::Function, Fate::Hold);
    let agent = Program::spawn(&configuration("", &[(chaos.address, &relay.token)]));
    wait_for("an exit that waits for its function", || {
        let has_begun = chaos.carried(End::Agent) >= 1 && chaos.asked(End::Function) >= 1;
        (agent.status()?["exits"][0]["state"] == "invoked" && has_begun).then_some(())
    });
    // The functions too: one that runs gives up by itself when it has no leg.
    let agent_id = agent.process.id();
    let all: Vec<u32> = descendants(agent_id).into_iter().chain([agent_id]).collect();
    World::stop_for(&all, STOPPED);
    chaos.set(End::Function, Fate::Pass);
    agent.wait_until_healthy();
    let status = agent.status().expect("status");
    let exits = status["exits"].as_array().expect("exits");
    assert_eq!((exits.len(), &exits[0]["id"]), (1, &"e1".into()), "none was given up: {status}");
}
