//! `rotate --fresh`: new instances until the address is new, and a plain word when it is not to be had.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::Value;

use super::desktop::Ended;
use super::nginx::Nginx;
use super::program::{BASE, Program};
use super::tools::{Port, wait_for};

fn configuration(check_url: &str) -> String {
    let base = BASE.replace("check_url = \"\"", &format!("check_url = \"{check_url}\""));
    format!("regions = [\"local-1\"]\nfrequency = \"never\"\n{base}")
}

/// An agent that knows the address of its exit.
fn start(check_url: &str) -> Program {
    let agent = Program::start(&configuration(check_url));
    wait_for("the exit's address", || agent.status()?["exits"][0]["exit_ip"].as_str().map(str::to_owned));
    agent
}

/// What `rotate --fresh` prints and says.
fn rotated(agent: &Program) -> Ended {
    let ended = Ended::from(agent.command(&["rotate", "--fresh"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended
}

/// The generation of the exit that accepts.
fn generation(agent: &Program) -> u64 {
    let status = agent.status().expect("status");
    let exits = status["exits"].as_array().expect("exits").clone();
    exits.iter().find(|exit| exit["state"] == "active").and_then(|exit| exit["generation"].as_u64()).expect("an active exit")
}

/// A server that sees the same address in everybody.
fn one_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _asked = stream.read(&mut [0; 4096]);
            let _told = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\nconnection: close\r\n\r\n203.0.113.7");
        }
    });
    url
}

#[test]
fn why_an_address_stays_unknown_is_told_once() {
    let nobody = Port::reserved();
    let agent = Program::start(&configuration(&format!("http://{}/address", nobody.address())));
    let told = |log: &str| log.lines().filter(|line| line.contains("WARN") && line.contains("stay unknown")).count();
    wait_for("the cause", || (told(&agent.log()) > 0).then_some(()));
    let rotated = Ended::from(agent.command(&["rotate"]));
    assert!(rotated.stdout.contains("unknown"), "{rotated:?}");
    let log = agent.log();
    assert!(told(&log) == 1 && log.contains("connection_refused") && log.contains("exits.check_url"), "{log}");
}

#[test]
fn a_new_instance_with_a_new_address_is_said_to_be_one() {
    let nginx = Nginx::start();
    let agent = start(&format!("http://127.0.0.1:{}/address", nginx.http));
    let before = generation(&agent);
    let said = rotated(&agent);
    assert!(said.stdout.contains(" → 127.") && said.stderr == "local-1: a new address\n", "{said:?}");
    assert_eq!(generation(&agent), before + 1);
    let counted: &Value = &agent.status().expect("status")["totals"]["distinct_exit_ips"];
    assert_eq!(counted, 2);
}

#[test]
fn after_three_new_instances_it_is_said_that_the_address_stays() {
    let agent = start(&one_address());
    let before = generation(&agent);
    let said = rotated(&agent);
    assert_eq!(said.stdout, "local-1  203.0.113.7 → 203.0.113.7\n");
    assert!(said.stderr.contains("although 3 new instances"), "{said:?}");
    assert_eq!(generation(&agent), before + 3);
}
