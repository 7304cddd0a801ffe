//! Links against relays that misbehave, over real sockets: when an end is patient, and when it is not.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};
use tunnel::instance::InstanceNonce;
use tunnel::invitation::RelayEndpoint;
use tunnel::leg::authorities::Authorities;
use tunnel::leg::dial::{AgentRelay, Dialer};
use tunnel::leg::known::Known;
use tunnel::leg::tls::{public_roots, trusting};
use tunnel::link::{LinkConfig, LinkEnd, LinkHandle, LinkStream, open};
use tunnel::ticket::Ticket;

/// A grace that a test can wait for.
const GRACE: Duration = Duration::from_secs(1);
/// Longer than anything here takes, shorter than what must not be waited for.
const SOON: Duration = Duration::from_millis(2_500);

/// A port that plays the relay.
async fn relay() -> (TcpListener, RelayEndpoint) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bind");
    let endpoint = endpoint(listener.local_addr());
    (listener, endpoint)
}

/// A relay that is not there, as long as the socket keeps others from its port.
fn closed() -> (TcpSocket, RelayEndpoint) {
    let socket = TcpSocket::new_v4().expect("socket");
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("bind");
    let endpoint = endpoint(socket.local_addr());
    (socket, endpoint)
}

fn endpoint(address: io::Result<SocketAddr>) -> RelayEndpoint {
    let url = format!("ws://{}", address.expect("address")).parse().expect("url");
    RelayEndpoint { url, pin: None, authorities: Authorities::default() }
}

fn link(dialer: Dialer) -> (LinkStream, LinkHandle) {
    open(LinkConfig { id: Ticket::mint().hash().prefix(), dialer, grace: GRACE })
}

fn as_agent(relays: &[&RelayEndpoint]) -> (LinkStream, LinkHandle) {
    let trust = trusting(public_roots()).expect("roots");
    let relay = |endpoint: &&RelayEndpoint| AgentRelay {
        endpoint: (*endpoint).clone(),
        token: "token".to_owned().into(),
        trust: trust.clone(),
        proxy: None,
        known: Known::default(),
    };
    link(Dialer::for_agent(&relays.iter().map(relay).collect::<Vec<_>>(), Ticket::mint().hash()))
}

fn as_function(relay: &RelayEndpoint) -> (LinkStream, LinkHandle) {
    let trust = trusting(public_roots()).expect("roots");
    link(Dialer::for_function(std::slice::from_ref(relay), &Ticket::mint(), InstanceNonce::mint(), &trust))
}

/// Takes a leg and reads its request.
async fn taken(listener: &TcpListener) -> TcpStream {
    let (mut leg, _) = listener.accept().await.expect("a leg");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(leg.read_u8().await.expect("a request"));
    }
    leg
}

/// Answers every leg with this.
async fn answering(listener: TcpListener, answer: &str) {
    loop {
        let mut leg = taken(&listener).await;
        leg.write_all(format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n").as_bytes()).await.expect("an answer");
    }
}

async fn end_of((_stream, handle): (LinkStream, LinkHandle)) -> (LinkEnd, Duration) {
    let begun = Instant::now();
    let end = timeout(SOON, handle.ended()).await.expect("an end in time");
    (end, begun.elapsed())
}

#[tokio::test]
async fn grace_ends_a_link_although_the_relay_asks_for_a_longer_pause() {
    let (listener, endpoint) = relay().await;
    let link = as_agent(&[&endpoint]);
    let (end, after) = tokio::select! {
        end = end_of(link) => end,
        () = answering(listener, "429 Too Many Requests\r\nRetry-After: 600") => unreachable!(),
    };
    assert!(matches!(&end, LinkEnd::GraceOver(cause) if cause.contains("429")), "{end}");
    assert!(after >= GRACE, "{after:?}");
}

#[tokio::test]
async fn grace_ends_a_link_although_a_dial_hangs() {
    let (_deaf, endpoint) = relay().await;
    let (_closed, refusing) = closed();
    let (end, after) = end_of(as_agent(&[&refusing, &endpoint])).await;
    assert!(matches!(end, LinkEnd::GraceOver(_)) && after >= GRACE, "{end} after {after:?}");
}

#[tokio::test]
async fn a_changed_network_ends_a_dial_that_hangs_and_begins_another() {
    let (listener, endpoint) = relay().await;
    let (_stream, handle) = as_agent(&[&endpoint]);
    let hanging = taken(&listener).await;
    handle.redialer().redial();
    let _again = timeout(SOON, taken(&listener)).await.expect("another dial, at once");
    drop(hanging);
}

#[tokio::test]
async fn final_answers_end_a_link_at_once() {
    for (answer, code) in [("401 Unauthorized", "refused"), ("410 Gone", "refused"), ("409 Conflict", "superseded")] {
        let (listener, endpoint) = relay().await;
        let (end, _after) = tokio::select! {
            end = end_of(as_function(&endpoint)) => end,
            () = answering(listener, answer) => unreachable!(),
        };
        assert_eq!(end.code(), code, "{answer}");
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_at_the_upgrade_is_told_apart_from_one_that_never_was() {
    for is_reset in [false, true] {
        let (listener, endpoint) = relay().await;
        let (_stream, handle) = as_function(&endpoint);
        let cutting = async {
            loop {
                let leg = taken(&listener).await;
                SockRef::from(&leg).set_linger(is_reset.then_some(Duration::ZERO)).expect("an option");
            }
        };
        let end = tokio::select! {
            end = timeout(SOON, handle.ended()) => end.expect("an end in time"),
            () = cutting => unreachable!(),
        };
        assert!(matches!(&end, LinkEnd::Unreached(cause) if cause.contains("upgrade: the connection was cut")), "{end}");
    }
}

#[tokio::test]
async fn a_link_that_is_over_while_it_dials_ends_without_a_dial() {
    let (listener, endpoint) = relay().await;
    let (stream, handle) = as_agent(&[&endpoint]);
    let hanging = taken(&listener).await;
    drop(stream);
    assert_eq!(timeout(SOON, handle.ended()).await.expect("in time"), LinkEnd::Abandoned);
    drop(hanging);
}

#[tokio::test]
async fn a_function_that_reaches_no_relay_says_why_and_how_far_it_came() {
    let (_closed, refusing) = closed();
    let (_stream, handle) = as_function(&refusing);
    let status = handle.status();
    let end = timeout(SOON, handle.ended()).await.expect("an end in time");
    assert!(matches!(&end, LinkEnd::Unreached(cause) if cause.contains("TCP")), "{end}");
    let steps = status.borrow().dial.expect("a dial");
    assert!(steps.before > 0 && steps.resolved.is_some() && steps.connected.is_none() && steps.upgraded.is_none(), "{steps:?}");
}
