//! The driver against relays that a test plays: pauses, ends and what a dropped handle leaves.

use std::time::Duration;

use futures_util::SinkExt;
use http::HeaderValue;
use http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use super::core::Link;
use super::driver::{LinkConfig, LinkHandle, PAUSES, open};
use super::end::LinkEnd;
use super::frame::LinkId;
use super::stream::LinkStream;
use crate::invitation::RelayEndpoint;
use crate::leg::authorities::Authorities;
use crate::leg::dial::{AgentRelay, Dialer};
use crate::leg::known::Known;
use crate::leg::port::{Notice, SUBPROTOCOL, close};
use crate::leg::tls::{public_roots, trusting};
use crate::ticket::Ticket;

const PATIENCE: Duration = Duration::from_secs(10);

async fn relay_and_link() -> (TcpListener, LinkStream, LinkHandle) {
    let (listener, _id, stream, link) = with_grace(PATIENCE).await;
    (listener, stream, link)
}

async fn with_grace(grace: Duration) -> (TcpListener, LinkId, LinkStream, LinkHandle) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let url = format!("ws://{}", listener.local_addr().expect("address")).parse().expect("url");
    let trust = trusting(public_roots()).expect("TLS");
    let endpoint = RelayEndpoint { url, pin: None, authorities: Authorities::default() };
    let relay = AgentRelay { endpoint, token: "token".to_owned().into(), trust, proxy: None, known: Known::default() };
    let tunnel = Ticket::mint().hash();
    let dialer = Dialer::for_agent(&[relay], tunnel);
    let (stream, link) = open(LinkConfig { id: tunnel.prefix(), dialer, grace });
    (listener, tunnel.prefix(), stream, link)
}

/// Takes a leg.
async fn take_one(listener: &TcpListener) -> WebSocketStream<TcpStream> {
    let (tcp, _) = listener.accept().await.expect("accept");
    #[allow(clippy::result_large_err, reason = "tungstenite's own signature")]
    let agree = |_: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        Ok(response)
    };
    accept_hdr_async(tcp, agree).await.expect("upgrade")
}

/// Takes a leg and closes it with `code`.
async fn close_one(listener: &TcpListener, code: u16) {
    let mut leg = take_one(listener).await;
    leg.send(Message::Close(Some(CloseFrame { code: code.into(), reason: "".into() }))).await.expect("close");
}

#[tokio::test]
async fn a_relay_that_closes_every_leg_is_dialled_with_growing_pauses() {
    let (listener, _stream, _link) = relay_and_link().await;
    let begun = Instant::now();
    for _ in 0..4 {
        timeout(PATIENCE, close_one(&listener, close::RESTARTING)).await.expect("another dial");
    }
    let shortest = PAUSES.0 * (1 + 2 + 4) / 2;
    assert!(begun.elapsed() >= shortest, "four dials within {:?}", begun.elapsed());
}

/// A dial that was held up on its way may reach the relay after the next one: then the relay takes it for the newer leg.
#[tokio::test]
async fn a_late_dial_of_our_own_does_not_end_the_link_and_another_leg_does() {
    let (listener, _stream, link) = relay_and_link().await;
    let (held_up, _) = listener.accept().await.expect("a dial");
    link.redialer().redial();
    timeout(PATIENCE, close_one(&listener, close::SUPERSEDED)).await.expect("another dial");
    timeout(PATIENCE, close_one(&listener, close::SUPERSEDED)).await.expect("another dial, for the first came late");
    assert_eq!(timeout(PATIENCE, link.ended()).await.expect("in time"), LinkEnd::Superseded, "no dial is left to be late");
    drop(held_up);
}

#[tokio::test]
async fn a_dropped_handle_is_an_error_on_the_stream() {
    let (_listener, mut stream, link) = relay_and_link().await;
    let reading = tokio::spawn(async move { stream.read_u8().await });
    tokio::task::yield_now().await;
    drop(link);
    let read = timeout(PATIENCE, reading).await.expect("the reader is woken").expect("task");
    assert_eq!(read.expect_err("no clean end").kind(), std::io::ErrorKind::ConnectionAborted);
}

/// What a relay tells when the other end's leg was superseded by a newer one, and what that end sends next: all in one read.
async fn pair_anew(leg: &mut WebSocketStream<TcpStream>, pairing: u64, id: LinkId) {
    let mut peer = Link::new(id);
    peer.paired();
    for notice in [Notice::Down, Notice::Up { pairing }] {
        leg.feed(Message::text(notice.to_text())).await.expect("fed");
    }
    leg.feed(Message::Binary(peer.transmit(false).expect("HELLO"))).await.expect("fed");
    leg.flush().await.expect("sent");
}

#[tokio::test]
async fn a_link_that_is_paired_anew_at_once_is_paired_and_lives_longer_than_grace() {
    let grace = Duration::from_secs(2);
    let (listener, id, _stream, link) = with_grace(grace).await;
    let mut leg = timeout(PATIENCE, take_one(&listener)).await.expect("a dial");
    let mut status = link.status();
    for pairing in 0..3 {
        pair_anew(&mut leg, pairing, id).await;
        let is_back = status.wait_for(|status| status.paired && status.resumes == pairing);
        let status = timeout(grace / 2, is_back).await.expect("paired in time").expect("it lives");
        assert_eq!(status.interruption.is_some(), pairing > 0);
    }
    assert!(timeout(grace + grace / 4, link.ended()).await.is_err(), "grace ends nothing that is paired");
}
