//! Wrong tokens, certificates and settings: each is refused, and says so.

use super::program::{BASE, Program, Relay};
use super::tls_relay::TlsRelay;
use super::tools::wait_for;

/// The problem with this code, once the agent lists it.
fn problem(agent: &Program, code: &str) -> serde_json::Value {
    wait_for(code, || {
        let status = agent.status()?;
        status["problems"].as_array()?.iter().find(|problem| problem["code"] == code).cloned()
    })
}

#[test]
fn a_wrong_token_is_named_and_nothing_is_invoked() {
    let relay = Relay::start();
    let config = format!("regions = [\"only\"]\n{BASE}[relay]\nurl = \"ws://{}\"\ntoken = \"wrong\"\n", relay.address);
    let agent = Program::spawn(&config);
    let problem = problem(&agent, "relay_refused");
    assert_eq!((&problem["code"], &problem["phase"]), (&"relay_refused".into(), &"dial".into()), "{problem}");
    assert!(problem["text"].as_str().expect("text").contains("401"), "{problem}");
    assert!(problem["hint"].as_str().expect("hint").contains("token"), "{problem}");
    let status = agent.status().expect("status");
    assert_eq!(status["health"], "down");
    let rotated = agent.command(&["rotate"]);
    let said = [rotated.stdout.as_slice(), rotated.stderr.as_slice()].concat();
    assert_eq!(rotated.status.code(), Some(5), "{}", String::from_utf8_lossy(&said));
    assert!(String::from_utf8_lossy(&said).contains("401"), "{}", String::from_utf8_lossy(&said));
    assert!(!agent.log().contains("wrong"), "the token is in the log");
    assert!(!agent.billing().exists() || std::fs::read_to_string(agent.billing()).expect("bill").is_empty());
}

#[test]
fn a_relay_with_another_certificate_is_not_trusted() {
    let relay = TlsRelay::self_signed();
    let wrong = relay.pin.replace(|digit: char| digit.is_ascii_digit(), "a");
    for (pin, works) in [(&relay.pin, true), (&wrong, false)] {
        let relay = relay.section(&format!("certificate_sha256 = \"{pin}\""));
        let config = format!("regions = [\"only\"]\n{BASE}{relay}");
        if works {
            drop(Program::start(&config));
        } else {
            let agent = Program::spawn(&config);
            let problem = problem(&agent, "relay_unreachable");
            assert!(problem["text"].as_str().expect("text").contains("TLS"), "{problem}");
            let status = agent.status().expect("status");
            assert_eq!(status["health"], "down", "{status}");
            assert_ne!(status["relays"][0]["state"], "up", "{status}");
        }
    }
}
