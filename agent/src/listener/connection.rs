//! One connection of a user's program, from its first byte to its last: read → route → open → reply → splice.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tunnel::destination::Destination;
use tunnel::outcome::Refusal;

use crate::proxy::auth::{Admission, Denied};
use crate::proxy::client::Client;
use crate::proxy::http::{self, Answer, ESTABLISHED};
use crate::proxy::socks5::HandshakeError;
use crate::proxy::{Proxy, socks5};

/// How long a client may take to its first byte.
const FIRST_BYTE_TIME: Duration = Duration::from_secs(10);
/// The first byte of a TLS record with a handshake (RFC 8446 section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// What a connection speaks, by its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http,
    Socks4,
    Socks5,
    Tls,
}

/// How the answer to a request for a tunnel is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Replies {
    Http,
    Socks5,
}

/// Serves one connection to its end.
pub(super) async fn serve(tcp: TcpStream, proxy: &Proxy, stop: &CancellationToken) {
    let mut client = Client::new(tcp);
    let protocol = tokio::select! {
        protocol = read_protocol(&mut client) => protocol,
        () = stop.cancelled() => None,
    };
    match protocol {
        Some(Protocol::Http) => {
            if let Some((client, destination, admission)) = Box::pin(http::serve(client, proxy, stop)).await {
                tunnel(client, &destination, &admission, proxy, Replies::Http).await;
            }
        }
        Some(Protocol::Socks5) => serve_socks5(client, proxy).await,
        Some(Protocol::Socks4) => close_with(client, &socks5::SOCKS4_REFUSAL).await,
        Some(Protocol::Tls) => {
            proxy.hints.tls_on_plain_port();
            client.close().await;
        }
        None => client.close().await,
    }
}

async fn read_protocol(client: &mut Client) -> Option<Protocol> {
    while client.buffer().is_empty() {
        match timeout(FIRST_BYTE_TIME, client.fill()).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false) | Err(_)) | Err(_) => return None,
        }
    }
    client.buffer().first().map(|byte| Protocol::of(*byte))
}

impl Protocol {
    const fn of(first: u8) -> Self {
        match first {
            4 => Self::Socks4,
            5 => Self::Socks5,
            TLS_HANDSHAKE => Self::Tls,
            _ => Self::Http,
        }
    }
}

async fn serve_socks5(mut client: Client, proxy: &Proxy) {
    match socks5::read_request(&mut client, &proxy.auth).await {
        Ok((request, admission)) => {
            proxy.hints.socks_request(request.is_literal);
            tunnel(client, &request.destination, &admission, proxy, Replies::Socks5).await;
        }
        Err(error) => {
            if let HandshakeError::Denied(denied @ Denied::NoRegion) = error {
                proxy.hints.socks_without_region(denied);
            }
            tracing::debug!(%error, "SOCKS5 handshake");
            client.close().await;
        }
    }
}

/// Route, open, reply, splice.
async fn tunnel(mut client: Client, destination: &Destination, admission: &Admission, proxy: &Proxy, replies: Replies) {
    let route = proxy.router.route(destination).within(admission.region.as_deref());
    let opened = tokio::select! {
        opened = proxy.open(&route, destination) => opened,
        error = client.gone() => return tracing::debug!(%destination, %error, "the client went before its tunnel was opened"),
    };
    match opened {
        Ok(site) => {
            if client.send(&replies.opened()).await.is_ok() {
                let end = site.splice(client).await;
                tracing::trace!(%destination, ?end, "tunnel ended");
            }
        }
        Err(refusal) => close_with(client, &replies.refused(&refusal)).await,
    }
}

/// What the client sent beyond its request was for the site, and is no further request.
async fn close_with(mut client: Client, answer: &[u8]) {
    if client.send(answer).await.is_ok() {
        client.close().await;
    }
}

impl Replies {
    fn opened(self) -> Vec<u8> {
        match self {
            Self::Http => ESTABLISHED.to_vec(),
            Self::Socks5 => socks5::opened().to_vec(),
        }
    }

    fn refused(self, refusal: &Refusal) -> Vec<u8> {
        match self {
            Self::Http => Answer::refused(refusal).to_bytes("CONNECT", true),
            Self::Socks5 => socks5::refused(refusal).to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_tells_the_protocol() {
        for (byte, protocol) in
            [(b'G', Protocol::Http), (b'\r', Protocol::Http), (4, Protocol::Socks4), (5, Protocol::Socks5), (0x16, Protocol::Tls)]
        {
            assert_eq!(Protocol::of(byte), protocol);
        }
    }
}
