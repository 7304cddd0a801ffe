//! What a request for a leg asks, read from its head.
//!
//! Never: the function's ticket leaves this file only as its hash.

use hyper::header::{
    AUTHORIZATION, CONNECTION, HeaderMap, HeaderName, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::{Method, Version, http};
use tunnel::instance::InstanceNonce;
use tunnel::leg::port::{AGENT_PATH, FUNCTION_PATH, INSTANCE_HEADER, SUBPROTOCOL, TUNNEL_HEADER};
use tunnel::ticket::{Ticket, TicketHash};

use super::{Refusal, WEBSOCKET_VERSION};
use crate::agents::Token;

/// Length of a `Sec-WebSocket-Key`: 16 bytes in base64 (RFC 6455 section 4.1).
const KEY_LENGTH: usize = 24;

/// Which kind of leg a path upgrades to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Agent,
    Function,
}

impl Kind {
    /// The kind of leg that this method and path ask for, if any.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        match path {
            AGENT_PATH if method == Method::GET => Some(Self::Agent),
            FUNCTION_PATH if method == Method::GET => Some(Self::Function),
            _ => None,
        }
    }
}

/// Who asks, and for which tunnel.
#[derive(Debug)]
pub(crate) enum Applicant {
    Agent { token: Token, hash: TicketHash },
    Function { hash: TicketHash, instance: InstanceNonce },
}

/// A well-formed request for a leg.
#[derive(Debug)]
pub(crate) struct LegRequest {
    pub(crate) applicant: Applicant,
    /// The client's `Sec-WebSocket-Key`, as it came.
    pub(crate) key: String,
}

impl LegRequest {
    /// Reads the head of a request for a leg of this kind.
    pub(crate) fn read(kind: Kind, head: &http::request::Parts) -> Result<Self, Refusal> {
        let headers = &head.headers;
        let key = upgrade_key(head.version, headers)?;
        let applicant = match kind {
            Kind::Agent => agent(headers)?,
            Kind::Function => function(headers)?,
        };
        Ok(Self { applicant, key })
    }
}

fn upgrade_key(version: Version, headers: &HeaderMap) -> Result<String, Refusal> {
    if version != Version::HTTP_11 {
        return Err(Refusal::Malformed("the upgrade needs HTTP/1.1"));
    }
    if !has_token(headers, &CONNECTION, |token| token.eq_ignore_ascii_case("upgrade")) {
        return Err(Refusal::Malformed("Connection: Upgrade is missing"));
    }
    if !has_token(headers, &UPGRADE, |token| token.eq_ignore_ascii_case("websocket")) {
        return Err(Refusal::Malformed("Upgrade: websocket is missing"));
    }
    let key = text(headers, &SEC_WEBSOCKET_KEY).filter(|key| is_key(key));
    let key = key.ok_or(Refusal::Malformed("Sec-WebSocket-Key"))?;
    if text(headers, &SEC_WEBSOCKET_VERSION) != Some(WEBSOCKET_VERSION) {
        return Err(Refusal::WebSocketVersion);
    }
    if !has_token(headers, &SEC_WEBSOCKET_PROTOCOL, |token| token == SUBPROTOCOL) {
        return Err(Refusal::Subprotocol);
    }
    Ok(key.to_owned())
}

fn agent(headers: &HeaderMap) -> Result<Applicant, Refusal> {
    let hash = text(headers, &HeaderName::from_static(TUNNEL_HEADER)).and_then(|text| TicketHash::from_hex(text).ok());
    let hash = hash.ok_or(Refusal::Malformed("X-Tunnel"))?;
    let token = Token::presented(bearer(headers).ok_or(Refusal::Token)?);
    Ok(Applicant::Agent { token, hash })
}

fn function(headers: &HeaderMap) -> Result<Applicant, Refusal> {
    let instance = text(headers, &HeaderName::from_static(INSTANCE_HEADER)).and_then(|text| text.parse().ok());
    let instance = instance.ok_or(Refusal::Malformed("X-Instance"))?;
    let ticket = bearer(headers).and_then(|text| Ticket::from_hex(text).ok());
    let ticket = ticket.ok_or(Refusal::Malformed("Authorization"))?;
    Ok(Applicant::Function { hash: ticket.hash(), instance })
}

/// The one value of a header; none when it comes twice, since two readers might take different ones.
fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok().map(str::trim) }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, credentials) = text(headers, &AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(credentials.trim())
}

fn has_token(headers: &HeaderMap, name: &HeaderName, wanted: impl Fn(&str) -> bool) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|token| wanted(token.trim()))
}

fn is_key(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'));
    text.len() == KEY_LENGTH && text.strip_suffix("==").is_some_and(digits)
}

#[cfg(test)]
mod tests {
    use hyper::Request;
    use hyper::header::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn head(edit: impl FnOnce(&mut HeaderMap)) -> http::request::Parts {
        let request = Request::builder()
            .header(CONNECTION, "keep-alive, Upgrade")
            .header(UPGRADE, "WebSocket")
            .header(SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ==")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_PROTOCOL, "other, awslambdaproxy.v1")
            .header(AUTHORIZATION, format!("Bearer {}", "a".repeat(64)))
            .header(TUNNEL_HEADER, "b".repeat(64))
            .header(INSTANCE_HEADER, "c".repeat(32));
        let (mut parts, ()) = request.body(()).expect("request").into_parts();
        edit(&mut parts.headers);
        parts
    }

    fn refusal(kind: Kind, name: &'static str, value: Option<&'static str>) -> Refusal {
        let head = head(|headers| {
            headers.remove(name);
            if let Some(value) = value {
                headers.insert(name, HeaderValue::from_static(value));
            }
        });
        LegRequest::read(kind, &head).expect_err("refused")
    }

    #[test]
    fn a_whole_request_is_read_for_both_kinds() {
        let agent = LegRequest::read(Kind::Agent, &head(|_| ())).expect("agent");
        assert_eq!(agent.key, "dGhlIHNhbXBsZSBub25jZQ==");
        assert!(matches!(agent.applicant, Applicant::Agent { .. }));
        let function = LegRequest::read(Kind::Function, &head(|_| ())).expect("function");
        let hash = Ticket::from_hex(&"a".repeat(64)).expect("ticket").hash();
        assert!(matches!(function.applicant, Applicant::Function { hash: h, .. } if h == hash));
        assert!(!format!("{agent:?} {function:?}").contains("aaaa"));
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        for (kind, name, value, status) in [
            (Kind::Agent, "connection", None, 400),
            (Kind::Agent, "upgrade", None, 400),
            (Kind::Agent, "upgrade", Some("h2c"), 400),
            (Kind::Agent, "sec-websocket-key", None, 400),
            (Kind::Agent, "sec-websocket-key", Some("short=="), 400),
            (Kind::Agent, "sec-websocket-version", None, 426),
            (Kind::Agent, "sec-websocket-version", Some("8"), 426),
            (Kind::Agent, "sec-websocket-protocol", None, 426),
            (Kind::Function, "sec-websocket-protocol", Some("awslambdaproxy.v2"), 426),
            (Kind::Agent, "x-tunnel", None, 400),
            (Kind::Agent, "x-tunnel", Some("not hex"), 400),
            (Kind::Agent, "authorization", None, 401),
            (Kind::Agent, "authorization", Some("Basic eA=="), 401),
            (Kind::Function, "x-instance", None, 400),
            (Kind::Function, "x-instance", Some("xyz"), 400),
            (Kind::Function, "authorization", None, 400),
            (Kind::Function, "authorization", Some("Bearer 00"), 400),
        ] {
            assert_eq!(refusal(kind, name, value).status(), status, "{name}: {value:?}");
        }
    }

    #[test]
    fn a_credential_that_comes_twice_is_refused() {
        let twice = head(|headers| {
            headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer 00"));
        });
        assert_eq!(LegRequest::read(Kind::Agent, &twice).expect_err("twice"), Refusal::Token);
    }

    proptest! {
        #[test]
        fn no_header_panics(name in 0..8usize, value in proptest::collection::vec(any::<u8>(), 0..80)) {
            let names = ["connection", "upgrade", "sec-websocket-key", "sec-websocket-version",
                "sec-websocket-protocol", "authorization", "x-tunnel", "x-instance"];
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                let head = head(|headers| { headers.insert(names[name], value); });
                let _ = LegRequest::read(Kind::Agent, &head);
                let _ = LegRequest::read(Kind::Function, &head);
            }
        }
    }
}
