//! Streams that are older than any function may get.

use std::io::{ErrorKind, Read};
use std::path::PathBuf;

use super::nginx::Nginx;
use super::program::Program;
use super::support::line::Line;
use super::tools::{curl_text, noise, sha256, soak, wait_for};
use super::world::{configuration, exits};

/// 40 s at the 200 KB/s of nginx's slow folder; in a soak 200 s.
fn song() -> u64 {
    if soak() > 1 { 40_000_000 } else { 8_000_000 }
}

/// Downloads a song through the agent, one TCP connection at the site, and checks every byte.
fn listen(agent: &Program, nginx: &Nginx) {
    let (song, copy): (PathBuf, PathBuf) = (nginx.root().join("song"), nginx.root().join("copy"));
    noise(&song, self::song());
    let url = format!("http://localhost:{}/slow/song", nginx.http);
    curl_text(&["-x", &agent.url(), "--proxytunnel", "-o", &copy.display().to_string(), &url]);
    assert_eq!(sha256(&copy), sha256(&song));
    wait_for("the visit", || (!nginx.visitors().is_empty()).then_some(()));
    assert_eq!(nginx.visitors().len(), 1);
}

#[test]
fn a_download_outlives_several_lives_of_its_function() {
    let nginx = Nginx::start();
    // One invocation at a time: a renewal needs no second one.
    let agent = Program::start(&(configuration("never", if soak() > 1 { 30 } else { 12 }, "") + "[local]\nconcurrency = 1\n"));
    listen(&agent, &nginx);
    let status = agent.status().expect("status");
    assert_eq!(status["regions"][0]["renewal"], "works", "{status}");
    let exits = exits(&agent).expect("exits");
    assert_eq!(exits.len(), 1, "{exits:?}");
    let renewals = exits[0]["renewals"].as_u64().expect("renewals");
    assert!(renewals >= 3, "{exits:?}");
    let bill = std::fs::read_to_string(agent.billing()).expect("bill");
    let lives = bill.lines().count() as u64;
    assert!((renewals..=renewals + 1).contains(&lives), "every life but the last is billed: {bill}");
}

#[test]
fn a_download_outlives_its_exits_replacement_too() {
    let nginx = Nginx::start();
    let agent = Program::start(&configuration("6s", 14, ""));
    listen(&agent, &nginx);
    let exits = exits(&agent).expect("exits");
    let drained = exits.iter().find(|exit| exit["id"] == "e1").expect("the first exit");
    assert!(drained["renewals"].as_u64() >= Some(2), "{exits:?}");
    assert!(exits.len() >= 4, "{exits:?}");
}

#[test]
fn without_renewal_a_stream_ends_with_its_function_by_a_reset_and_its_region_goes_on() {
    let agent = Program::start(&configuration("never", 10, "renew = \"never\""));
    let mut line = Line::through(&agent);
    let error = line.app.read(&mut [0]).expect_err("not a clean end");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    wait_for("the end in the status", || {
        let exits = exits(&agent)?;
        let ended = exits.iter().find(|exit| exit["id"] == "e1" && exit["state"] == "closed")?;
        assert_eq!(ended["ended_reason"], "deadline", "{ended}");
        exits.iter().any(|exit| exit["state"] == "active").then_some(())
    });
    let status = agent.status().expect("status");
    assert_eq!((&status["regions"][0]["renewal"], &status["health"]), (&"unknown".into(), &"healthy".into()), "{status}");
    Line::through(&agent).pass();
}
