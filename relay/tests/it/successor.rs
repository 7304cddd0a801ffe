//! A new process takes the port over: from systemd, which holds it open, or beside the old one.

use std::net::TcpListener;
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::home::{Home, Running};
use crate::support::{PATIENCE, exchange};

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

#[tokio::test]
async fn a_second_process_takes_the_port_over_only_if_that_was_asked_for() {
    let home = home("127.0.0.1:0");
    let old = Running::start(&home).await;
    home.write(&format!("listen = \"{}\"\ntls.mode = \"off\"\n[metrics]\nlisten = \"\"\n", old.address));
    let (code, error) = home.fails(&["run"]).await;
    assert_eq!(code, 1);
    assert!(error.contains("--take-over"), "{error}");

    let new = Running::start_as(&home, home.command(&["run", "--take-over"])).await;
    assert_eq!(new.address, old.address);
    let address = new.address;
    // Whoever comes while the old one goes is answered by one of the two.
    let visitor = tokio::spawn(async move {
        let mut answers = Vec::new();
        for _ in 0..200 {
            let io = TcpStream::connect(address).await.expect("nobody is refused");
            answers.push(exchange(io, HEALTH).await);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        answers
    });
    old.signal(Signal::TERM);
    assert_eq!(old.ended().await, Some(0));
    let answers = visitor.await.expect("no panic");
    assert!(
        answers.iter().all(|answer| answer.starts_with("HTTP/1.1 200 ") || answer.starts_with("HTTP/1.1 503 ")),
        "{answers:?}"
    );
    assert!(exchange(new.connect().await, HEALTH).await.contains("200"), "the new one stays");
}
