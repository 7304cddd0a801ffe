//! How an attempt to reach a site failed, in the words of RFC 9209, as both ends and every client see it.

use std::fmt;

use http::{HeaderValue, StatusCode};

/// Longest `details` that travels: long enough for a cause, short enough for one header line.
const LONGEST_DETAILS: usize = 200;

/// Name of this intermediary in `Proxy-Status`.
const PROXY_NAME: &str = "awslambdaproxy";

/// The error types of RFC 9209 section 2.3 that this proxy produces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProxyError {
    /// The name could not be resolved.
    DnsError,
    /// The resolver did not answer in time.
    DnsTimeout,
    /// The site refused the connection.
    ConnectionRefused,
    /// The site did not answer the connection attempt in time.
    ConnectionTimeout,
    /// No route to the site's address.
    DestinationIpUnroutable,
    /// The egress policy bans the address or the port.
    DestinationIpProhibited,
    /// The exit carries as many streams as it may.
    ConnectionLimitReached,
    /// No exit is available.
    DestinationUnavailable,
    /// The request leads back to a listener of this proxy.
    ProxyLoopDetected,
    /// A rule blocks the request.
    HttpRequestDenied,
    /// The request is malformed.
    HttpRequestError,
    /// The connection ended before the answer was complete.
    ConnectionTerminated,
}

impl ProxyError {
    /// Every error, in the order of the design's table.
    pub const ALL: [Self; 12] = [
        Self::DnsError,
        Self::DnsTimeout,
        Self::ConnectionRefused,
        Self::ConnectionTimeout,
        Self::DestinationIpUnroutable,
        Self::DestinationIpProhibited,
        Self::ConnectionLimitReached,
        Self::DestinationUnavailable,
        Self::ProxyLoopDetected,
        Self::HttpRequestDenied,
        Self::HttpRequestError,
        Self::ConnectionTerminated,
    ];

    /// The `error` token of `Proxy-Status`, the HTTP status and the SOCKS5 reply (RFC 1928 section 6).
    const fn row(self) -> (&'static str, StatusCode, u8) {
        match self {
            Self::DnsError => ("dns_error", StatusCode::BAD_GATEWAY, 4),
            Self::DnsTimeout => ("dns_timeout", StatusCode::GATEWAY_TIMEOUT, 4),
            Self::ConnectionRefused => ("connection_refused", StatusCode::BAD_GATEWAY, 5),
            Self::ConnectionTimeout => ("connection_timeout", StatusCode::GATEWAY_TIMEOUT, 4),
            Self::DestinationIpUnroutable => ("destination_ip_unroutable", StatusCode::BAD_GATEWAY, 3),
            Self::DestinationIpProhibited => ("destination_ip_prohibited", StatusCode::FORBIDDEN, 2),
            Self::ConnectionLimitReached => ("connection_limit_reached", StatusCode::SERVICE_UNAVAILABLE, 1),
            Self::DestinationUnavailable => ("destination_unavailable", StatusCode::SERVICE_UNAVAILABLE, 1),
            Self::ProxyLoopDetected => ("proxy_loop_detected", StatusCode::BAD_GATEWAY, 2),
            Self::HttpRequestDenied => ("http_request_denied", StatusCode::FORBIDDEN, 2),
            Self::HttpRequestError => ("http_request_error", StatusCode::BAD_REQUEST, 1),
            Self::ConnectionTerminated => ("connection_terminated", StatusCode::BAD_GATEWAY, 1),
        }
    }

    /// The `error` token of `Proxy-Status`.
    pub const fn token(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status that goes with it.
    pub const fn status(self) -> StatusCode {
        self.row().1
    }

    /// The SOCKS5 reply that goes with it.
    pub const fn socks_reply(self) -> u8 {
        self.row().2
    }

    fn from_token(token: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|error| error.token() == token)
    }
}

/// A refused or failed attempt: the error and a cause for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {details}", error.token())]
pub struct Refusal {
    /// Which error.
    pub error: ProxyError,
    /// The cause in printable ASCII, without secrets; may be empty.
    pub details: String,
}

impl Refusal {
    /// Joins an error and its cause. Characters that a header cannot carry become `?`, and a long cause is cut.
    pub fn new(error: ProxyError, details: impl fmt::Display) -> Self {
        let printable = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
        let details = details.to_string().chars().take(LONGEST_DETAILS).map(printable).collect();
        Self { error, details }
    }

    /// The value of `Proxy-Status` (RFC 9209 section 2, a structured field of RFC 9651).
    pub fn to_proxy_status(&self) -> HeaderValue {
        let mut text = format!("{PROXY_NAME}; error={}", self.error.token());
        if !self.details.is_empty() {
            let quoted = self.details.replace('\\', "\\\\").replace('"', "\\\"");
            text.push_str(&format!("; details=\"{quoted}\""));
        }
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(PROXY_NAME))
    }

    /// Reads what [`Refusal::to_proxy_status`] wrote; anything else from a peer is `connection_terminated`.
    pub fn from_response(status: StatusCode, proxy_status: Option<&HeaderValue>) -> Self {
        let text = proxy_status.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let error = parameter(text, "error=").and_then(|rest| {
            let end = rest.find([';', ' ', ',']).unwrap_or(rest.len());
            ProxyError::from_token(&rest[..end])
        });
        match error {
            Some(error) => Self::new(error, parameter(text, "details=\"").map(unquote).unwrap_or_default()),
            None => Self::new(ProxyError::ConnectionTerminated, format_args!("the exit answered {status}")),
        }
    }
}

/// What follows the first `; name` of a structured field.
fn parameter<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.match_indices(name).find(|(at, _)| text[..*at].ends_with("; ")).map(|(at, _)| &text[at + name.len()..])
}

/// A quoted string's content up to its closing quote (RFC 9651 section 3.3.3).
fn unquote(text: &str) -> String {
    let mut content = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => content.extend(chars.next()),
            c => content.push(c),
        }
    }
    content
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_error_survives_the_wire() {
        for error in ProxyError::ALL {
            let refusal = Refusal::new(error, r#"cause with "quotes" and \ slash"#);
            assert_eq!(Refusal::from_response(error.status(), Some(&refusal.to_proxy_status())), refusal);
        }
    }

    #[test]
    fn the_header_has_the_form_of_the_contract() {
        let refusal = Refusal::new(ProxyError::DnsError, "no such name");
        assert_eq!(refusal.to_proxy_status(), r#"awslambdaproxy; error=dns_error; details="no such name""#);
    }

    #[test]
    fn a_strange_answer_is_a_terminated_connection() {
        let refusal = Refusal::from_response(StatusCode::IM_A_TEAPOT, None);
        assert_eq!(refusal.error, ProxyError::ConnectionTerminated);
        assert!(refusal.details.contains("418"), "{refusal}");
    }

    proptest! {
        #[test]
        fn any_cause_makes_a_valid_header(details in ".{0,300}") {
            let refusal = Refusal::new(ProxyError::DnsTimeout, details);
            prop_assert_eq!(Refusal::from_response(StatusCode::OK, Some(&refusal.to_proxy_status())), refusal);
        }

        #[test]
        fn any_header_is_read(text in "[ -~]{0,120}") {
            let value = HeaderValue::from_str(&text).expect("printable");
            Refusal::from_response(StatusCode::BAD_GATEWAY, Some(&value));
        }
    }
}
