//! A new process takes the port over: from systemd, which holds it open, or beside the old one.

use std::net::{SocketAddr, TcpListener};

use rustix::process::Signal;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::home::{Home, Running};
use crate::support::{PATIENCE, Port, exchange};

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

fn home(listen: &str) -> Home {
    Home::with(&format!("listen = \"{listen}\"\ntls.mode = \"off\"\n[metrics]\nlisten = \"\"\n"))
}

#[tokio::test]
async fn a_port_that_is_handed_over_refuses_nobody_between_two_processes() {
    let held = TcpListener::bind("127.0.0.1:0").expect("port");
    let address = held.local_addr().expect("address");
    let home = home(&address.to_string());
    for signal in [Signal::TERM, Signal::KILL] {
        let old = Running::start_with(&home, &held).await;
        assert_eq!(old.address, address);
        assert!(exchange(old.connect().await, HEALTH).await.contains("200"));
        old.signal(signal);
        old.ended().await;
        // Nobody accepts now, and yet nobody is refused.
        let mut between = TcpStream::connect(address).await.expect("connected");
        between.write_all(HEALTH.as_bytes()).await.expect("sent");
        let new = Running::start_with(&home, &held).await;
        let answer = timeout(PATIENCE, exchange(between, "")).await.expect("in time");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        new.signal(Signal::TERM);
        new.ended().await;
    }
}

#[tokio::test]
async fn another_socket_than_the_configured_one_is_refused() {
    let held = TcpListener::bind("127.0.0.1:0").expect("port");
    let home = home("127.0.0.1:1");
    let started = tokio::spawn(async move {
        let _ = Running::start_with(&home, &held).await;
    });
    let ended = started.await.expect_err("it does not start").into_panic();
    let said = ended.downcast_ref::<String>().expect("text");
    assert!(said.contains("systemctl edit") && said.contains("127.0.0.1:1"), "{said}");
}

/// A relay that has its own port, and a configuration that names it.
async fn alone() -> (Home, Running) {
    let home = home("127.0.0.1:0");
    let relay = Running::start(&home).await;
    home.write(&format!("listen = \"{}\"\ntls.mode = \"off\"\n[metrics]\nlisten = \"\"\n", relay.address));
    (home, relay)
}

async fn heir(home: &Home) -> Running {
    Running::start_as(home, home.command(&["run", "--take-over"])).await
}

/// Asks for the health page, each time by a connection of its own, until told that it is enough; at least once.
async fn ask_all_the_time(address: SocketAddr, enough: CancellationToken) -> Vec<String> {
    let mut answers = Vec::new();
    while answers.is_empty() || !enough.is_cancelled() {
        let io = TcpStream::connect(address).await.expect("nobody is refused");
        answers.push(exchange(io, HEALTH).await);
    }
    answers
}

#[tokio::test]
async fn a_second_process_takes_the_port_over_if_that_was_asked_for_and_nobody_is_lost() {
    let (home, mut old) = alone().await;
    let (code, error) = home.fails(&["run"]).await;
    assert_eq!(code, 1);
    assert!(error.contains("--take-over"), "{error}");

    let address = old.address;
    // Whoever comes while the old one goes is answered by one of the two.
    for generation in 0..3 {
        let enough = CancellationToken::new();
        let visitors: Vec<_> = (0..8).map(|_| tokio::spawn(ask_all_the_time(address, enough.clone()))).collect();
        let new = heir(&home).await;
        assert_eq!(new.address, address);
        home.logged("another relay has the port too", generation + 1).await;
        old.signal(Signal::TERM);
        assert_eq!(old.ended().await, Some(0));
        enough.cancel();
        for visitor in visitors {
            let answers = visitor.await.expect("no panic");
            let is_answer = |answer: &String| answer.starts_with("HTTP/1.1 200 ") || answer.starts_with("HTTP/1.1 503 ");
            assert!(answers.iter().all(is_answer), "{answers:?}");
        }
        old = new;
    }
    assert!(exchange(old.connect().await, HEALTH).await.contains("200"), "the new one stays");
}

#[tokio::test]
async fn a_port_that_the_configuration_names_no_more_closes_with_the_old_process() {
    let (home, old) = alone().await;
    let address = old.address;
    home.write("listen = \"127.0.0.1:0\"\ntls.mode = \"off\"\n[metrics]\nlisten = \"\"\n");
    let new = heir(&home).await;
    assert_ne!(new.address, address);
    home.logged("that relay listens elsewhere", 1).await;
    let log = home.log();
    let line = log.lines().find(|line| line.contains("is not taken over"));
    assert!(line.is_some_and(|line| line.contains(&address.to_string())), "{log}");
    assert!(exchange(old.connect().await, HEALTH).await.contains("200"), "it goes on until it is stopped");

    old.signal(Signal::TERM);
    assert_eq!(old.ended().await, Some(0));
    let refused = TcpStream::connect(address).await.expect_err("nobody would ever accept it");
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(exchange(new.connect().await, HEALTH).await.contains("200"));
}

#[tokio::test]
async fn an_heir_that_dies_leaves_the_port_to_the_old_one_and_to_another_heir() {
    let (home, old) = alone().await;
    let first = heir(&home).await;
    first.signal(Signal::KILL);
    first.ended().await;
    home.logged("this one goes on", 1).await;
    assert!(exchange(old.connect().await, HEALTH).await.contains("200"));
    let second = heir(&home).await;
    old.signal(Signal::TERM);
    assert_eq!(old.ended().await, Some(0));
    assert!(exchange(second.connect().await, HEALTH).await.contains("200"));
    second.signal(Signal::TERM);
    assert_eq!(second.ended().await, Some(0));
    assert!(!home.state().join("succession.sock").exists(), "who ends in good order leaves nothing");
}

#[tokio::test]
async fn where_no_relay_runs_there_is_nothing_to_take_over_and_the_port_is_opened() {
    let (home, old) = alone().await;
    let address = old.address;
    old.signal(Signal::KILL);
    old.ended().await;
    // Nobody else is given it before the heir has it.
    let _port = Port::of(address);
    let new = heir(&home).await;
    assert!(exchange(new.connect().await, HEALTH).await.contains("200"));
}
