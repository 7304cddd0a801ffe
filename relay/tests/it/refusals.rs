//! Each row of the contract's table.

use std::time::Instant;

use futures_util::future::join_all;
use hyper::StatusCode;
use relay::agents::{Agents, AgentsFile, Token};
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tunnel::instance::InstanceNonce;
use tunnel::leg::port::Notice;
use tunnel::limits::{DIAL_TIMEOUT, LARGEST_HEAD};
use tunnel::ticket::Ticket;

use crate::support::{Relay, agent_request, function_request};

async fn status(relay: &Relay, request: Request) -> StatusCode {
    relay.open(request).await.err().expect("refused")
}

#[tokio::test]
async fn a_wrong_token_is_401() {
    let relay = Relay::start().await;
    let hash = Ticket::mint().hash().to_string();
    assert_eq!(status(&relay, agent_request(relay.address, "wrong", &hash)).await, 401);
    let mut none = agent_request(relay.address, "x", &hash);
    none.headers_mut().remove("authorization");
    assert_eq!(status(&relay, none).await, 401);
}

/// A later answer would be none: the end has given the dial up, and takes the relay for one that cannot be reached.
#[tokio::test]
async fn a_wrong_token_is_401_within_a_dial_however_many_came_before() {
    let relay = Relay::start().await;
    let dials = (0..12).map(|_| async {
        let (begun, hash) = (Instant::now(), Ticket::mint().hash().to_string());
        assert_eq!(status(&relay, agent_request(relay.address, "wrong", &hash)).await, 401);
        begun.elapsed()
    });
    let slowest = join_all(dials).await.into_iter().max().expect("some");
    assert!(slowest < DIAL_TIMEOUT, "{slowest:?}");
}

#[tokio::test]
async fn what_is_malformed_is_400_and_the_form_is_judged_before_the_token() {
    let relay = Relay::start().await;
    assert_eq!(status(&relay, agent_request(relay.address, "wrong", "not hex")).await, 400);
    assert_eq!(status(&relay, function_request(relay.address, "not hex", &"0".repeat(32))).await, 400);
    assert_eq!(status(&relay, function_request(relay.address, &"0".repeat(64), "not hex")).await, 400);
    let answer = relay.raw("GET /v1/agent HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let answer = relay.raw("GET /v1/function HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let answer = relay.raw("nonsense\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn another_version_is_426_and_says_which_is_spoken() {
    let relay = Relay::start().await;
    let hash = Ticket::mint().hash();
    let mut other = relay.agent_request(hash);
    other.headers_mut().insert("sec-websocket-protocol", "awslambdaproxy.v2".parse().expect("header"));
    assert_eq!(status(&relay, other).await, 426);
    let mut none = relay.agent_request(hash);
    none.headers_mut().remove("sec-websocket-protocol");
    assert_eq!(status(&relay, none).await, 426);
    let answer = relay
        .raw(
            "GET /v1/agent HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n",
        )
        .await
        .to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 426 "), "{answer}");
    assert!(answer.contains("sec-websocket-version: 13") && answer.contains("upgrade: websocket"), "{answer}");
}

#[tokio::test]
async fn an_unknown_ticket_is_404() {
    let relay = Relay::start().await;
    assert_eq!(status(&relay, relay.function_request(&Ticket::mint(), InstanceNonce::mint())).await, 404);
}

#[tokio::test]
async fn a_ticket_that_another_instance_has_presented_is_409() {
    let relay = Relay::start().await;
    let ticket = Ticket::mint();
    let (_agent, mut function) = relay.pair(&ticket, InstanceNonce::mint()).await;
    assert_eq!(status(&relay, relay.function_request(&ticket, InstanceNonce::mint())).await, 409);
    function.close(1000).await;
    assert_eq!(status(&relay, relay.function_request(&ticket, InstanceNonce::mint())).await, 409, "bound for good");
}

#[tokio::test]
async fn a_hash_of_another_agent_is_409() {
    let directory = tempfile::tempdir().expect("directory");
    let file = AgentsFile::in_directory(directory.path());
    let (a, b) = (Token::mint(), Token::mint());
    file.add(&"a".parse().expect("name"), a.hash()).expect("added");
    file.add(&"b".parse().expect("name"), b.hash()).expect("added");
    let relay = Relay::with(|config| config.agents = Agents::from_file(file).expect("agents")).await;
    let hash = Ticket::mint().hash().to_string();
    let _leg = relay.open(agent_request(relay.address, a.expose(), &hash)).await.expect("a's");
    assert_eq!(status(&relay, agent_request(relay.address, b.expose(), &hash)).await, 409);
}

#[tokio::test]
async fn a_tunnel_that_its_agent_has_ended_is_410_for_both() {
    let relay = Relay::start().await;
    let (ticket, instance) = (Ticket::mint(), InstanceNonce::mint());
    let (mut agent, mut function) = relay.pair(&ticket, instance).await;
    agent.close(1000).await;
    assert_eq!(function.closed().await, Some(4001));
    assert_eq!(status(&relay, relay.function_request(&ticket, instance)).await, 410);
    assert_eq!(status(&relay, relay.agent_request(ticket.hash())).await, 410);
}

#[tokio::test]
async fn a_tunnel_whose_agent_left_otherwise_is_still_there() {
    let relay = Relay::start().await;
    let (ticket, instance) = (Ticket::mint(), InstanceNonce::mint());
    let (mut agent, mut function) = relay.pair(&ticket, instance).await;
    agent.close(1001).await;
    assert_eq!(function.notice().await, Notice::Down);
    let mut agent = relay.agent(&ticket).await;
    assert_eq!((agent.synced().await, function.synced().await), (2, 2));
}

#[tokio::test]
async fn everybody_else_sees_a_small_web_site() {
    let relay = Relay::start().await;
    for (head, status, text) in [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "200", "<h1>Welcome</h1>"),
        ("GET /robots.txt HTTP/1.1\r\nHost: x\r\n\r\n", "404", "<h1>Not Found</h1>"),
        ("POST /v1/agent HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "404", "<h1>Not Found</h1>"),
        ("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "200", "\r\n\r\nok"),
    ] {
        let answer = relay.raw(head).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(text), "{head}: {answer}");
        let lower = answer.to_ascii_lowercase();
        assert!(!lower.contains("\nserver:") && !lower.contains("lambda"), "{answer}");
    }
    let head = relay.raw("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
}

#[tokio::test]
async fn a_head_above_the_limit_is_refused() {
    let relay = Relay::start().await;
    let answer = relay.raw(&format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(3 * LARGEST_HEAD))).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}
