//! Why a leg is refused, and the answer that says so.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE, WWW_AUTHENTICATE,
};
use hyper::{Response, StatusCode};
use tunnel::leg::port::SUBPROTOCOL;

use super::WEBSOCKET_VERSION;

/// Seconds after which an address or agent over its limit may try again.
const RETRY_AFTER_LIMIT: &str = "1";

/// Why a leg is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The relay is about to stop.
    #[error("the relay is about to stop")]
    Draining,
    /// As many legs as the relay takes.
    #[error("the relay is full")]
    Full,
    /// As many tunnels that wait for an end as the relay keeps.
    #[error("too many tunnels wait for an end of theirs")]
    Waiting,
    /// A part of the request is missing or malformed.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// Another version of WebSocket.
    #[error("the version of WebSocket is not 13")]
    WebSocketVersion,
    /// Another version of the relay's port, or none.
    #[error("the subprotocol is not {SUBPROTOCOL}")]
    Subprotocol,
    /// Too many legs of one address.
    #[error("too many legs of this address")]
    AddressLimit,
    /// Too many tickets of one address that nobody has announced.
    #[error("too many unknown tickets from this address")]
    Guessing,
    /// Nobody's token.
    #[error("the token is not valid")]
    Token,
    /// Too many tunnels of one agent.
    #[error("too many tunnels of this agent")]
    AgentLimit,
    /// The hash is the tunnel of another agent.
    #[error("the tunnel belongs to another agent")]
    OtherAgent,
    /// The ticket was presented by another process before.
    #[error("the ticket is bound to another instance")]
    OtherInstance,
    /// No agent has announced this ticket.
    #[error("unknown ticket")]
    Unknown,
    /// The agent has ended this tunnel.
    #[error("the tunnel has ended")]
    Ended,
}

impl Refusal {
    /// The status of the contract.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Draining | Self::Full | Self::Waiting => StatusCode::SERVICE_UNAVAILABLE,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::WebSocketVersion | Self::Subprotocol => StatusCode::UPGRADE_REQUIRED,
            Self::AddressLimit | Self::AgentLimit | Self::Guessing => StatusCode::TOO_MANY_REQUESTS,
            Self::Token => StatusCode::UNAUTHORIZED,
            Self::OtherAgent | Self::OtherInstance => StatusCode::CONFLICT,
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::Ended => StatusCode::GONE,
        }
    }

    /// One word, for counting.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::Full => "full",
            Self::Waiting => "waiting",
            Self::Malformed(_) => "malformed",
            Self::WebSocketVersion | Self::Subprotocol => "version",
            Self::AddressLimit => "address_limit",
            Self::Token => "token",
            Self::AgentLimit => "agent_limit",
            Self::OtherAgent => "other_agent",
            Self::OtherInstance => "other_instance",
            Self::Unknown => "unknown_ticket",
            Self::Guessing => "guessed_tickets",
            Self::Ended => "ended",
        }
    }

    /// The whole answer: status, what the status requires beside it, and one line of text.
    pub(crate) fn response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::from(format!("{self}\n")));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        for (name, value) in self.headers() {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }

    fn headers(self) -> Vec<(HeaderName, &'static str)> {
        match self.status() {
            StatusCode::UPGRADE_REQUIRED => {
                vec![(UPGRADE, "websocket"), (SEC_WEBSOCKET_VERSION, WEBSOCKET_VERSION), (SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL)]
            }
            StatusCode::TOO_MANY_REQUESTS => vec![(RETRY_AFTER, RETRY_AFTER_LIMIT)],
            StatusCode::UNAUTHORIZED => vec![(WWW_AUTHENTICATE, "Bearer")],
            _ => vec![],
        }
    }
}
