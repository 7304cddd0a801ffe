//! An agent behind a company's proxy, and a relay whose certificate a private authority has signed.

use std::net::SocketAddr;

use serde_json::Value;

use super::nginx::Nginx;
use super::processes::sockets;
use super::program::{BASE, Program, Relay};
use super::squid::{KNOWN, Squid, USER};
use super::tls_relay::TlsRelay;
use super::tools::{Port, curl_text, wait_for};

/// An agent of one region.
fn configuration(relay: &str) -> String {
    format!("regions = [\"only\"]\n{BASE}{relay}")
}

fn by_proxy(relay: &Relay, proxy: &str) -> String {
    format!("[relay]\nurl = \"ws://{}\"\ntoken = \"{}\"\nproxy = \"{proxy}\"\n", relay.address, relay.token)
}

/// The only problem of an agent, once it has this code.
fn only_problem(agent: &Program, code: &str) -> Value {
    wait_for(code, || {
        let status = agent.status()?;
        let problems = status["problems"].as_array()?;
        (problems.len() == 1 && problems[0]["code"] == code).then(|| problems[0].clone())
    })
}

#[test]
fn every_leg_of_the_agent_goes_through_the_proxy_of_its_relay_and_pages_come() {
    let (squid, relay, nginx) = (Squid::start(), Relay::start(), Nginx::start());
    let agent = Program::start(&configuration(&by_proxy(&relay, &squid.url(Some(USER)))));
    let page = curl_text(&["-x", &agent.url(), &format!("http://localhost:{}/", nginx.http)]);
    assert_eq!(page, "a real page\n");
    let connected: Vec<SocketAddr> =
        sockets(agent.process.id()).into_iter().filter(|it| it.is_tcp && !it.is_listening).map(|it| it.remote).collect();
    assert!(connected.iter().any(|remote| remote.port() == squid.port), "{connected:?}");
    assert!(connected.iter().all(|remote| *remote != relay.address), "a leg goes directly: {connected:?}");
    drop(agent);
    let through = format!("200 CONNECT {} me", relay.address);
    // It writes down a connection once that has ended.
    let asked = wait_for("the proxy's log", || Some(squid.asked()).filter(|asked| asked.contains(&through)));
    assert!(asked.iter().all(|line| line.ends_with(" me")), "no request without the user's name: {asked:?}");
}

#[test]
fn a_proxy_that_refuses_is_one_problem_with_a_hint_and_no_password_is_shown() {
    let (squid, relay) = (Squid::start(), Relay::start());
    let forbidden = "[relay]\nurl = \"wss://relay.forbidden.test\"\ntoken = \"t\"\nproxy = ";
    for (relay, text, hint) in [
        (by_proxy(&relay, &squid.url(None)), "wants a user name and a password (407)", "user:password@"),
        (by_proxy(&relay, &squid.url(Some("me:wr0ng"))), "did not take what it got (407)", "wrong"),
        (format!("{forbidden}\"{}\"", squid.url(Some(USER))), "relay.forbidden.test:443 (403)", "ask who runs the proxy"),
    ] {
        let agent = Program::spawn(&format!("regions = [\"one\", \"two\", \"three\"]\n{BASE}{relay}"));
        let problem = only_problem(&agent, "relay_proxy");
        assert!(problem["text"].as_str().expect("text").contains(text), "{problem}");
        assert!(problem["hint"].as_str().expect("hint").contains(hint), "{problem}");
        let status = agent.status().expect("status");
        assert_eq!((&status["health"], &status["relays"][0]["state"]), (&"down".into(), &"down".into()), "{status}");
        let shown = [agent.log(), status.to_string()].concat();
        assert!(!shown.contains("wr0ng") && !shown.contains("p%40ss") && !shown.contains("p@ss"), "{shown}");
    }
}

#[test]
fn the_environment_names_the_proxy_and_its_exceptions_and_the_proxy_alone_resolves_the_relay() {
    let (squid, relay) = (Squid::start(), TlsRelay::self_signed());
    let pinned = format!("certificate_sha256 = \"{}\"", relay.pin);
    let named = relay.section(&pinned).replace("127.0.0.1", KNOWN);
    let under = |variables: &[&str]| Program::spawn_under(&[&["env"], variables].concat(), &configuration(&named), &[]);
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        // The function has no proxy, so that it finds no such relay: what counts here is the agent's leg.
        let agent = under(&[&format!("{name}={}", squid.url(Some(USER)))]);
        wait_for("a leg through the proxy", || {
            let status = agent.status()?;
            let invoked = status["exits"].as_array()?.iter().any(|exit| exit["state"] == "invoked");
            (status["relays"][0]["state"] == "up" && status["relays"][0]["rtt_ms"].is_number() && invoked).then_some(())
        });
    }
    let squid = Squid::start();
    let excepted = under(&[&format!("HTTPS_PROXY={}", squid.url(Some(USER))), "NO_PROXY=.corp.test"]);
    let problem = only_problem(&excepted, "relay_unreachable");
    assert!(problem["text"].as_str().expect("text").contains("TCP"), "{problem}");
    assert_eq!(squid.asked(), Vec::<String>::new());
}

#[test]
fn a_proxy_that_is_the_agent_itself_or_no_http_proxy_is_refused_at_once() {
    let relay = "[relay]\nurl = \"wss://relay.example.com\"\ntoken = \"t\"\n";
    let reserved = Port::reserved();
    let port = reserved.number;
    let listening = configuration(relay).replace("127.0.0.1:0", &format!("127.0.0.1:{port}"));
    for (variable, text) in [
        (format!("HTTPS_PROXY=http://localhost:{port}"), "HTTPS_PROXY names this agent's own proxy"),
        ("all_proxy=socks5://127.0.0.1:1080".to_owned(), "all_proxy names no HTTP proxy"),
    ] {
        let mut agent = Program::spawn_under(&["env", &variable], &listening, &[]);
        assert_eq!(agent.wait().code(), Some(3), "{}", agent.log());
        assert!(agent.log().contains(text), "{}", agent.log());
    }
}

#[test]
fn a_private_authority_is_carried_to_the_function_and_its_absence_is_explained() {
    let folder = tempfile::tempdir().expect("folder");
    let authority = folder.path().join("authority.pem");
    let relay = TlsRelay::privately_signed(&authority);
    let trusting = relay.section(&format!("ca_file = \"{}\"", authority.display()));
    let nginx = Nginx::start();
    let agent = Program::start(&configuration(&trusting));
    assert_eq!(curl_text(&["-x", &agent.url(), &format!("http://localhost:{}/", nginx.http)]), "a real page\n");
    drop(agent);
    let agent = Program::spawn(&configuration(&relay.section("")));
    let problem = only_problem(&agent, "relay_unreachable");
    assert!(problem["text"].as_str().expect("text").contains("UnknownIssuer"), "{problem}");
    assert!(problem["hint"].as_str().expect("hint").contains("relay.ca_file"), "{problem}");
}
