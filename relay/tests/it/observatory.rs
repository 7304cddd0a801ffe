//! The second port: what Prometheus and a supervisor read there.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tunnel::instance::InstanceNonce;
use tunnel::ticket::Ticket;

use crate::support::{PATIENCE, Relay, agent_request, exchange, open};

async fn observed() -> (Relay, SocketAddr) {
    let port = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let address = port.local_addr().expect("address");
    let relay = Relay::with(|config| {
        config.observed_at = Some(Arc::new(port));
        config.adjustable.drain = PATIENCE;
    });
    (relay.await, address)
}

async fn get(address: SocketAddr, path: &str) -> String {
    let io = TcpStream::connect(address).await.expect("connected");
    exchange(io, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await
}

/// The value of a line of the metrics.
fn value(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is missing in\n{text}")).parse().expect("a number")
}

#[tokio::test]
async fn what_happens_is_counted() {
    let (relay, address) = observed().await;
    let ticket = Ticket::mint();
    let (mut agent, mut function) = relay.pair(&ticket, InstanceNonce::mint()).await;
    let _waiting = relay.agent(&Ticket::mint()).await;
    agent.binary(vec![1; 70_000]).await;
    function.received().await;
    function.binary(vec![2; 5]).await;
    agent.received().await;
    let wrong = agent_request(relay.address, &"0".repeat(64), &Ticket::mint().hash().to_string());
    assert_eq!(open(relay.connect().await, wrong).await.err().expect("refused"), 401);

    let text = get(address, "/metrics").await;
    assert!(text.starts_with("HTTP/1.1 200 ") && text.contains("application/openmetrics-text"), "{text}");
    for (name, expected) in [
        ("awslambdaproxy_relay_legs{side=\"agent\"}", 2.0),
        ("awslambdaproxy_relay_legs{side=\"function\"}", 1.0),
        ("awslambdaproxy_relay_tunnels", 2.0),
        ("awslambdaproxy_relay_pairs", 1.0),
        ("awslambdaproxy_relay_waiting", 1.0),
        ("awslambdaproxy_relay_connections_total", 4.0),
        ("awslambdaproxy_relay_bytes_total{side=\"agent\"}", 70_000.0),
        ("awslambdaproxy_relay_bytes_total{side=\"function\"}", 5.0),
        ("awslambdaproxy_relay_refusals_total{reason=\"token\"}", 1.0),
        ("awslambdaproxy_relay_pairing_seconds_count", 1.0),
    ] {
        assert_eq!(value(&text, name), expected, "{name} in\n{text}");
    }
    // Nobody is named: not the agent, not a tunnel, not an address.
    for secret in ["laptop", "127.0.0.1", &ticket.hash().to_string()] {
        assert!(!text.contains(secret), "{secret} in\n{text}");
    }
    assert!(get(address, "/").await.starts_with("HTTP/1.1 404 "));
}

#[tokio::test]
async fn a_relay_that_drains_is_not_ready_and_tells_so_until_its_end() {
    let (relay, address) = observed().await;
    assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 200 "));
    let mut leg = relay.agent(&Ticket::mint()).await;
    leg.notice().await;
    relay.shutdown.cancel();
    assert_eq!(leg.closed().await, Some(1012));
    // The leg's end has not hung up yet, so the relay waits for it.
    let answer = get(address, "/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("draining"), "{answer}");
    drop(leg);
    timeout(PATIENCE, relay.task).await.expect("in time").expect("no panic").expect("no error");
    assert!(TcpStream::connect(address).await.is_err(), "its end closes the second port, too");
}
