//! Answers one request: the site, the health page, or a leg.
//!
//! A leg is judged in this order: is there room at all, is the request well-formed, has the address its share, who asks, and
//! may this tunnel have it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use hyper::http::request::Parts;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tunnel::leg::port::SUBPROTOCOL;

use super::{Relay, now};
use crate::admission::{Applicant, Kind, LegRequest, Place, Refusal};
use crate::agents::AgentName;
use crate::bridge::{self, Buffers};
use crate::pairing::Seat;
use crate::site;
use crate::websocket::accept_key;

/// Where anybody may ask whether the relay is well.
pub(crate) const HEALTH_PATH: &str = "/healthz";
/// How long the 101 may take to leave; after it the leg's own clock runs.
const UPGRADE_TIME: Duration = Duration::from_secs(10);

/// The answer to `request`, which came from `sender`, and how long it waits.
pub(super) fn answer(relay: &Relay, sender: SocketAddr, request: Request<Incoming>) -> (Response<Full<Bytes>>, Duration) {
    let (mut response, wait) = judge(relay, sender, request);
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        // One request each: what is no leg needs no second, and the slot is free the sooner.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    (response, wait)
}

fn judge(relay: &Relay, sender: SocketAddr, mut request: Request<Incoming>) -> (Response<Full<Bytes>>, Duration) {
    let path = request.uri().path();
    let Some(kind) = Kind::of(request.method(), path) else {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let page = if is_read && path == HEALTH_PATH { health(relay) } else { site::page(path) };
        return (page, Duration::ZERO);
    };
    let upgrade = hyper::upgrade::on(&mut request);
    let (head, _) = request.into_parts();
    let client = relay.client(sender, &head.headers);
    match seat(relay, client, kind, head) {
        Ok(granted) => {
            let response = switching(&granted.key);
            relay.spawn(granted.serve(upgrade, relay.buffers.clone()));
            (response, Duration::ZERO)
        }
        Err(refusal) => {
            let (refusal, wait) = weigh(relay, client, refusal);
            relay.metrics.refused(refusal);
            tracing::debug!(peer = %client, ?kind, %refusal, "leg refused");
            (refusal.response(), wait)
        }
    }
}

/// What is answered to a client that may be guessing, and when.
fn weigh(relay: &Relay, client: IpAddr, refusal: Refusal) -> (Refusal, Duration) {
    match refusal {
        Refusal::Token => (refusal, relay.conduct.showed_wrong_token(now(), client)),
        Refusal::Unknown => (relay.conduct.showed_unknown_ticket(now(), client), Duration::ZERO),
        other => (other, Duration::ZERO),
    }
}

/// A leg that may stand.
struct Granted {
    key: String,
    place: Place,
    seat: Seat,
    /// For the log; a function's leg has no name of its own.
    agent: Option<AgentName>,
}

fn seat(relay: &Relay, client: IpAddr, kind: Kind, head: Parts) -> Result<Granted, Refusal> {
    if relay.is_draining() {
        return Err(Refusal::Draining);
    }
    let place = relay.places.take()?;
    let LegRequest { applicant, key } = LegRequest::read(kind, &head)?;
    let place = place.of_address(client)?;
    // The head holds the credential as it came; nothing below needs it.
    drop(head);
    let (seat, agent) = match applicant {
        Applicant::Agent { token, hash } => relay
            .agents
            .authenticate(&token, |agent| relay.tunnels.seat_agent(agent, hash).map(|seat| (seat, Some(agent.clone()))))
            .ok_or(Refusal::Token)??,
        Applicant::Function { hash, instance } => (relay.tunnels.seat_function(hash, instance)?, None),
    };
    Ok(Granted { key, place, seat, agent })
}

impl Granted {
    /// The leg's whole life, after its 101.
    async fn serve(self, upgrade: OnUpgrade, buffers: Buffers) {
        let Self { place, seat, agent, .. } = self;
        let _place = place;
        let side = seat.side().name();
        let agent = agent.as_ref().map(tracing::field::display);
        match timeout(UPGRADE_TIME, upgrade).await {
            Ok(Ok(io)) => {
                tracing::info!(side, agent, "leg stands");
                let end = bridge::serve(TokioIo::new(io), seat, buffers).await;
                tracing::info!(side, agent, ?end, "leg ended");
            }
            Ok(Err(error)) => tracing::debug!(side, agent, %error, "leg lost before it stood"),
            Err(_) => tracing::debug!(side, agent, "leg did not take its 101 in time"),
        }
    }
}

fn switching(key: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    if let Ok(accept) = HeaderValue::from_str(&accept_key(key)) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

fn health(relay: &Relay) -> Response<Full<Bytes>> {
    let (status, text) = match relay.is_draining() {
        false => (StatusCode::OK, "ok"),
        true => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
