//! Wrong tokens, certificates and settings: each is refused, and says so.

use std::sync::mpsc;
use std::thread;

use relay::agents::{Agents, Token};
use tokio_util::sync::CancellationToken;

use super::program::{BASE, Program, Relay};
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
    assert_eq!(rotated.status.code(), Some(1), "{}", String::from_utf8_lossy(&said));
    assert!(String::from_utf8_lossy(&said).contains("401"), "{}", String::from_utf8_lossy(&said));
    assert!(!agent.log().contains("wrong"), "the token is in the log");
    assert!(!agent.billing().exists() || std::fs::read_to_string(agent.billing()).expect("bill").is_empty());
}

#[test]
fn a_relay_with_another_certificate_is_not_trusted() {
    let (address, pin) = tls_relay();
    let wrong = pin.replace(|digit: char| digit.is_ascii_digit(), "a");
    for (pin, works) in [(&pin, true), (&wrong, false)] {
        let relay = format!(
            "[relay]\nurl = \"wss://{address}\"\ntoken = \"{}\"\ncertificate_sha256 = \"{pin}\"\n",
            "0123456789abcdef".repeat(4)
        );
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

/// A relay with TLS in this process; its address, and the pin of its certificate.
fn tls_relay() -> (std::net::SocketAddr, String) {
    let (ready, is_ready) = mpsc::channel();
    thread::spawn(move || {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().expect("folder");
        let certified = relay::tls::self_signed(folder.path(), "127.0.0.1").expect("certificate");
        let pin = certified.pin();
        let mut config = relay::server::Config::plain(
            Agents::single("test", &Token::presented(&"0123456789abcdef".repeat(4))).expect("agent"),
        );
        config.tls = Some(certified.server_config().expect("TLS"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bind");
            ready.send((listener.local_addr().expect("address"), pin)).expect("told");
            relay::server::run(listener, config, CancellationToken::new()).await.expect("relay");
        });
    });
    is_ready.recv().expect("the relay is ready")
}
