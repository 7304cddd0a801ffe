//! How the agent begins and ends.

use std::time::{Duration, Instant};

use super::nginx::Nginx;
use super::processes::{are_gone, descendants};
use super::program::{BASE, Program};
use super::tools::{curl_text, wait_for};

#[test]
fn the_first_signal_ends_everything_and_the_bill_is_written() {
    let mut agent = Program::start(BASE);
    let started = descendants(agent.process.id());
    assert!(started.len() >= 4, "a relay, a local Lambda and two functions: {started:?}");
    agent.signal("INT");
    assert_eq!(agent.wait().code(), Some(0));
    wait_for("the end of every process", || are_gone(&started).then_some(()));
    let bill = std::fs::read_to_string(agent.billing()).expect("bill");
    assert_eq!(bill.lines().count(), 2, "{bill}");
}

#[test]
fn nothing_outlives_a_killed_agent_for_longer_than_its_invocations() {
    let mut agent = Program::start(&format!("{BASE}grace = \"5s\"\n"));
    let started = descendants(agent.process.id());
    agent.signal("KILL");
    agent.wait();
    wait_for("the end of every process", || are_gone(&started).then_some(()));
}

#[test]
fn a_second_agent_on_the_same_configuration_names_the_first() {
    let agent = Program::start(BASE);
    let second = agent.command(&["run", "--local"]);
    assert_eq!(second.status.code(), Some(1));
    let talk = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(talk.contains(&agent.process.id().to_string()), "{talk}");
}

#[test]
fn a_taken_port_is_told_with_its_owner() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    let address = taken.local_addr().expect("address").to_string();
    let mut agent = Program::spawn(&BASE.replace("127.0.0.1:0", &address));
    assert_eq!(agent.wait().code(), Some(1));
    let log = agent.log();
    assert!(log.contains(&address) && log.contains(&format!("process {}", std::process::id())), "{log}");
}

#[test]
fn rotation_gives_a_new_exit_and_cuts_nothing() {
    let (nginx, agent) = (Nginx::start(), Program::start(&format!("regions = [\"only\"]\n{BASE}")));
    super::tools::noise(&nginx.root().join("song"), 1_000_000);
    let (proxy, url) = (agent.url(), format!("http://localhost:{}/slow/song", nginx.http));
    let before = Instant::now();
    let listening = std::thread::spawn(move || curl_text(&["-x", &proxy, "-o", "/dev/null", "-w", "%{size_download}", &url]));
    wait_for("the stream", || (agent.status()?["totals"]["streams_open"] == 1).then_some(()));
    for _ in 0..2 {
        let rotated = agent.command(&["rotate"]);
        assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
    }
    let unknown = agent.command(&["rotate", "eu-*"]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no such region; it serves only"), "{unknown:?}");
    let status = agent.status().expect("status");
    let states: Vec<&str> = status["exits"].as_array().expect("exits").iter().filter_map(|exit| exit["state"].as_str()).collect();
    assert!(states.contains(&"active"), "{states:?}");
    if before.elapsed() < Duration::from_secs(4) {
        assert!(states.contains(&"draining"), "{states:?}");
    }
    assert_eq!(listening.join().expect("curl"), "1000000");
}

#[test]
fn an_unused_agent_ends_its_exits_and_the_next_request_wakes_them() {
    // Not waited for until it is healthy: on a busy machine that time is over before anybody has looked.
    let (nginx, agent) = (Nginx::start(), Program::spawn(&format!("{BASE}idle = \"3s\"\n")));
    wait_for("the lapse", || {
        let status = agent.status()?;
        let regions = status["regions"].as_array()?;
        let lapsed = regions.iter().all(|region| region["state"] == "lapsed");
        let ended = status["exits"].as_array()?.iter().all(|exit| exit["ended_reason"] == "idle");
        (lapsed && ended && status["health"] == "healthy").then_some(())
    });
    let invocations = || std::fs::read_to_string(agent.billing()).unwrap_or_default().lines().count();
    wait_for("the bill", || (invocations() == 2).then_some(()));
    assert_eq!(curl_text(&["-x", &agent.url(), &format!("http://localhost:{}/", nginx.http)]), "a real page\n");
}
