//! How much is taken, and what is answered beyond it.

use relay::admission::Limits;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;
use tunnel::instance::InstanceNonce;
use tunnel::ticket::Ticket;

use crate::support::{PATIENCE, Relay};

async fn limited(limits: Limits) -> Relay {
    Relay::with(|config| config.adjustable.limits = limits).await
}

async fn refused(relay: &Relay) -> u16 {
    relay.open(relay.agent_request(Ticket::mint().hash())).await.err().expect("refused").as_u16()
}

#[tokio::test]
async fn a_full_relay_says_503_and_takes_legs_again_when_one_is_gone() {
    let relay = limited(Limits { connections: 1, ..Limits::default() }).await;
    let mut leg = relay.agent(&Ticket::mint()).await;
    assert_eq!(refused(&relay).await, 503);
    assert!(relay.raw("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.starts_with("HTTP/1.1 200 "));
    leg.close(1000).await;
    // The place is free once the relay, too, has seen the end of the connection.
    let again = async { while relay.open(relay.agent_request(Ticket::mint().hash())).await.is_err() {} };
    timeout(PATIENCE, again).await.expect("a place again");
}

#[tokio::test]
async fn an_address_or_agent_over_its_limit_gets_429_and_a_time() {
    let relay = limited(Limits { per_address: 1, ..Limits::default() }).await;
    let leg = relay.agent(&Ticket::mint()).await;
    assert_eq!(refused(&relay).await, 429);
    let head = format!(
        "GET /v1/agent HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: awslambdaproxy.v1\r\nAuthorization: Bearer {}\r\nX-Tunnel: {}\r\n\r\n",
        relay.token.expose(),
        Ticket::mint().hash(),
    );
    let answer = relay.raw(&head).await.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 429 ") && answer.contains("retry-after: 1\r\n"), "{answer}");
    drop(leg);

    let relay = limited(Limits { per_agent: 1, ..Limits::default() }).await;
    let _leg = relay.agent(&Ticket::mint()).await;
    assert_eq!(refused(&relay).await, 429);
}

#[tokio::test]
async fn a_trusted_proxy_names_the_address_that_counts() {
    let relay = Relay::with(|config| {
        config.adjustable.limits = Limits { per_address: 1, ..Limits::default() };
        config.adjustable.trusted = vec!["127.0.0.0/8".parse().expect("net")];
    })
    .await;
    let leg = |from: &'static str| {
        let mut request = relay.agent_request(Ticket::mint().hash());
        request.headers_mut().insert("x-forwarded-for", from.parse().expect("header"));
        relay.open(request)
    };
    let _first = leg("192.0.2.1").await.expect("first");
    assert_eq!(leg("203.0.113.9, 192.0.2.1").await.err().expect("second of one address"), 429);
    leg("192.0.2.1, 203.0.113.9").await.expect("another address");
}

#[tokio::test]
async fn tunnels_that_wait_are_bounded() {
    let relay = limited(Limits { waiting: 1, ..Limits::default() }).await;
    let ticket = Ticket::mint();
    let mut agent = relay.agent(&ticket).await;
    assert_eq!(refused(&relay).await, 503);
    let mut function = relay.function(&ticket, InstanceNonce::mint()).await;
    agent.synced().await;
    function.synced().await;
    relay.agent(&Ticket::mint()).await;
}

#[tokio::test]
async fn connections_that_say_nothing_keep_nobody_out() {
    let relay = limited(Limits { handshakes: 4, ..Limits::default() }).await;
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(relay.connect().await);
    }
    relay.agent(&Ticket::mint()).await;
    let mut nothing = [0; 1];
    assert_eq!(silent[0].read(&mut nothing).await.unwrap_or(0), 0, "the oldest gave way");
}
