//! Ends that are not clean must not look clean.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use super::processes::children;
use super::program::{BASE, Program, send_signal};
use super::tls_relay::TlsRelay;
use super::tools::{connect_through, curl, wait_for};

#[test]
fn a_reset_at_the_site_is_a_reset_at_the_client() {
    let agent = Program::start(BASE);
    let site = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("site");
    let address = site.local_addr().expect("address");
    let serving = thread::spawn(move || {
        let (mut stream, _) = site.accept().expect("connection");
        stream.write_all(b"part").expect("write");
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("the client has the part");
        socket2::SockRef::from(&stream).set_linger(Some(std::time::Duration::ZERO)).expect("option");
    });
    let mut app = connect_through(agent.proxy(), address);
    let mut part = [0; 4];
    app.read_exact(&mut part).expect("the part");
    app.write_all(b"!").expect("write");
    serving.join().expect("site");
    let error = app.read(&mut part).expect_err("not a clean end");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_killed_function_resets_its_streams_and_is_replaced() {
    let agent = Program::start(&format!("regions = [\"only\"]\n{BASE}"));
    let site = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("site");
    let address = site.local_addr().expect("address");
    let mut app = connect_through(agent.proxy(), address);
    let (mut far, _) = site.accept().expect("connection");
    far.write_all(b"x").expect("write");
    let mut byte = [0];
    app.read_exact(&mut byte).expect("the stream is up");
    let lambda = children(agent.process.id(), "local-lambda");
    let functions: Vec<u32> = lambda.iter().flat_map(|pid| children(*pid, "local-function")).collect();
    assert!(!functions.is_empty());
    functions.iter().for_each(|pid| send_signal(*pid, "KILL"));
    let error = app.read(&mut byte).expect_err("not a clean end");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    wait_for("the next exit", || {
        let status = agent.status()?;
        let exits = status["exits"].as_array()?;
        let failed = exits.iter().any(|exit| exit["state"] == "failed" && exit["error"].is_string());
        (failed && exits.iter().any(|exit| exit["state"] == "active")).then_some(())
    });
    drop(connect_through(agent.proxy(), address));
}

#[test]
fn a_revoked_agents_exits_are_lost_ones_and_not_done() {
    let relay = TlsRelay::self_signed();
    let section = relay.section(&format!("certificate_sha256 = \"{}\"", relay.pin));
    let agent = Program::start(&format!("regions = [\"only\"]\n{BASE}{section}"));
    let site = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("site");
    let mut app = connect_through(agent.proxy(), site.local_addr().expect("address"));
    let (mut far, _) = site.accept().expect("connection");
    far.write_all(b"x").expect("write");
    app.read_exact(&mut [0]).expect("the stream is up");
    relay.revoke();
    assert_eq!(app.read(&mut [0]).expect_err("no clean end").kind(), ErrorKind::ConnectionReset);
    let first = wait_for("the exit's end", || {
        let status = agent.status()?;
        status["exits"].as_array()?.iter().find(|exit| exit["id"] == "e1" && exit["ended_reason"].is_string()).cloned()
    });
    assert_eq!((&first["state"], &first["ended_reason"]), (&"failed".into(), &"lost".into()), "{first}");
    assert!(first["error"].as_str().is_some_and(|text| text.contains("the tunnel was lost")), "{first}");
}

#[test]
fn without_an_exit_nothing_goes_out_and_the_client_is_told_when_to_come_back() {
    let agent = Program::spawn(&format!(
        "regions = [\"only\"]\n{}",
        BASE.replace("[egress]", "wait = \"1s\"\n[relay]\nurl = \"ws://127.0.0.1:1\"\ntoken = \"x\"\n[egress]")
    ));
    wait_for("the agent", || agent.status());
    let site = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("site");
    site.set_nonblocking(true).expect("option");
    let url = format!("http://{}/", site.local_addr().expect("address"));
    let output = curl(&["-x", &agent.url(), "-o", "/dev/null", "-D", "-", &url]);
    let head = String::from_utf8_lossy(&output.stdout).to_lowercase();
    assert!(head.starts_with("http/1.1 503"), "{head}");
    assert!(head.contains("retry-after:") && head.contains("error=destination_unavailable"), "{head}");
    assert!(site.accept().is_err(), "the request went to the site by another way");
}
