//! A stop in good order.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tunnel::instance::InstanceNonce;
use tunnel::ticket::Ticket;

use crate::support::{PATIENCE, Relay, exchange};

#[tokio::test]
async fn every_leg_is_closed_with_1012_and_the_port_is_free() {
    let relay = Relay::start().await;
    let (mut agent, mut function) = relay.pair(&Ticket::mint(), InstanceNonce::mint()).await;
    relay.shutdown.cancel();
    assert_eq!((agent.closed().await, function.closed().await), (Some(1012), Some(1012)));
    drop((agent, function));
    timeout(PATIENCE, relay.task).await.expect("in time").expect("no panic").expect("no error");
    assert!(TcpStream::connect(relay.address).await.is_err());
}

#[tokio::test]
async fn a_request_that_was_on_its_way_hears_that_the_relay_drains() {
    let relay = Relay::with(|config| config.adjustable.drain = PATIENCE).await;
    let (mut healthz, mut leg) = (relay.connect().await, relay.connect().await);
    // Both are accepted once a connection made after them is answered.
    healthz.write_all(b"GET /he").await.expect("sent");
    leg.write_all(b"GET /v1/agent").await.expect("sent");
    relay.agent(&Ticket::mint()).await;
    relay.shutdown.cancel();
    let answer = exchange(healthz, "althz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let answer = exchange(leg, " HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    timeout(PATIENCE, relay.task).await.expect("in time").expect("no panic").expect("no error");
}

#[tokio::test]
async fn what_does_not_end_by_itself_is_cut_when_the_time_is_over() {
    let relay = Relay::with(|config| config.adjustable.drain = Duration::from_millis(50)).await;
    let half_open = relay.connect().await;
    let _silent_leg = relay.agent(&Ticket::mint()).await;
    relay.shutdown.cancel();
    timeout(PATIENCE, relay.task).await.expect("in time").expect("no panic").expect("no error");
    drop(half_open);
}

#[tokio::test]
async fn a_crowd_in_front_of_the_port_holds_no_stop_up() {
    let relay = Relay::with(|config| {
        config.adjustable.drain = Duration::from_millis(200);
        config.adjustable.limits.handshakes = 1;
    })
    .await;
    let (mut agent, _function) = relay.pair(&Ticket::mint(), InstanceNonce::mint()).await;
    // Each that waits for the only place may wait for a second.
    let mut crowd = Vec::new();
    for _ in 0..3 * PATIENCE.as_secs() {
        crowd.push(relay.connect().await);
    }
    relay.shutdown.cancel();
    assert_eq!(agent.closed().await, Some(1012));
    timeout(PATIENCE, relay.task).await.expect("in time").expect("no panic").expect("no error");
}
