//! Answers of this proxy itself: what failed, in which phase, and what to do about it.

use std::net::SocketAddr;

use http::StatusCode;
use tunnel::outcome::{ProxyError, Refusal};

use super::fields::write_field;
use super::request::BadRequest;
use crate::proxy::auth::Denied;

/// Seconds after which a client may ask again when no exit was there: an exit takes about as long to start.
const RETRY_AFTER_NONE: &str = "5";
/// Seconds after which a client may ask again when all exits were full: connections end all the time.
const RETRY_AFTER_FULL: &str = "1";

/// What answers are.
const TEXT: &str = "text/plain; charset=utf-8";
const PAC: &str = "application/x-ns-proxy-autoconfig";

/// The answer to a CONNECT that was opened (RFC 9110 section 9.3.6: no length, no body).
pub const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection Established\r\n\r\n";

/// An answer of this proxy.
#[derive(Debug)]
pub struct Answer {
    status: u16,
    kind: &'static str,
    fields: Vec<(&'static str, Vec<u8>)>,
    text: String,
}

impl Answer {
    /// A request that is none.
    pub(super) fn malformed(bad: BadRequest) -> Self {
        let mut answer = Self::refused(&Refusal::new(ProxyError::HttpRequestError, bad));
        answer.status = bad.status();
        answer
    }

    /// A site that could not be reached.
    pub fn refused(refusal: &Refusal) -> Self {
        let (phase, hint) = explain(refusal.error);
        let text =
            format!("{phase}: {}. {hint}\n", if refusal.details.is_empty() { refusal.error.token() } else { &refusal.details });
        let mut fields = vec![("Proxy-Status", refusal.to_proxy_status().as_bytes().to_vec())];
        let retry_after = match refusal.error {
            ProxyError::DestinationUnavailable => Some(RETRY_AFTER_NONE),
            ProxyError::ConnectionLimitReached => Some(RETRY_AFTER_FULL),
            _ => None,
        };
        fields.extend(retry_after.map(|seconds| ("Retry-After", seconds.into())));
        Self { status: refusal.error.status().as_u16(), kind: TEXT, fields, text }
    }

    /// A client that is not let in.
    pub(super) fn denied(denied: Denied) -> Self {
        match denied {
            Denied::Unproven => Self::credentials_wanted(),
            Denied::NoRegion => Self::refused(&Refusal::new(ProxyError::HttpRequestError, denied)),
        }
    }

    /// A client that did not prove itself (RFC 9110 section 11.7.1).
    fn credentials_wanted() -> Self {
        Self {
            status: 407,
            kind: TEXT,
            fields: vec![("Proxy-Authenticate", br#"Basic realm="awslambdaproxy", charset="UTF-8""#.to_vec())],
            text: "This proxy wants the user name and password of its config file.\n".into(),
        }
    }

    /// The PAC file (`FindProxyForURL`, as browsers know it): this proxy for everything, and nothing where it is not there.
    pub(super) fn pac(proxy: Option<SocketAddr>) -> Self {
        let Some(proxy) = proxy else { return Self::malformed(BadRequest::NoProxyRequest) };
        let text = format!("function FindProxyForURL(url, host) {{ return \"PROXY {proxy}\"; }}\n");
        Self { status: 200, kind: PAC, fields: vec![("Cache-Control", b"no-store".to_vec())], text }
    }

    /// A head that did not come in time.
    pub(super) fn too_slow() -> Self {
        Self { status: 408, kind: TEXT, fields: Vec::new(), text: "The request took too long to arrive.\n".into() }
    }

    /// The whole answer. To HEAD it has no body; `is_last` says that the connection ends with it.
    pub fn to_bytes(&self, method: &str, is_last: bool) -> Vec<u8> {
        let reason = StatusCode::from_u16(self.status).ok().and_then(|it| it.canonical_reason()).unwrap_or_default();
        let mut out = format!("HTTP/1.1 {} {reason}\r\n", self.status).into_bytes();
        write_field(&mut out, b"Content-Type", self.kind.as_bytes());
        write_field(&mut out, b"Content-Length", self.text.len().to_string().as_bytes());
        for (name, value) in &self.fields {
            write_field(&mut out, name.as_bytes(), value);
        }
        if is_last {
            write_field(&mut out, b"Connection", b"close");
        }
        out.extend_from_slice(b"\r\n");
        if method != "HEAD" {
            out.extend_from_slice(self.text.as_bytes());
        }
        out
    }
}

/// The phase in which an error arises, which tells whose it is, and what helps.
fn explain(error: ProxyError) -> (&'static str, &'static str) {
    match error {
        ProxyError::DnsError => ("Resolving the site's name failed at the exit", "Check the name."),
        ProxyError::DnsTimeout => ("Resolving the site's name took too long at the exit", "Try again."),
        ProxyError::ConnectionRefused => ("The site refused the connection", "Check the port."),
        ProxyError::ConnectionTimeout => {
            ("Connecting to the site took too long", "The site may be down, or drop this exit's traffic.")
        }
        ProxyError::DestinationIpUnroutable => ("The exit has no route to the site", "Exits reach IPv4 addresses."),
        ProxyError::DestinationIpProhibited => {
            ("The exit's egress policy bans this address or port", "See [egress] in the config file.")
        }
        ProxyError::ConnectionLimitReached => ("The exit carries as many connections as it can", "Try again, or add regions."),
        ProxyError::DestinationUnavailable => ("No exit took the request", "See `awslambdaproxy status`."),
        ProxyError::ProxyLoopDetected => ("The request would come back to this proxy", "Check the address and port."),
        ProxyError::HttpRequestDenied => ("The request was blocked", "See [[routing.rules]] in the config file."),
        ProxyError::HttpRequestError => ("The request was not understood", "The program that sent it is at fault."),
        ProxyError::ConnectionTerminated => ("The connection to the site ended before its answer was complete", "Try again."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(answer: &Answer, method: &str, is_last: bool) -> String {
        String::from_utf8(answer.to_bytes(method, is_last)).expect("text")
    }

    #[test]
    fn an_unavailable_destination_says_when_to_ask_again() {
        let answer = Answer::refused(&Refusal::new(ProxyError::DestinationUnavailable, "no exit is ready"));
        assert_eq!(
            text(&answer, "GET", false),
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 73\r\n\
             Proxy-Status: awslambdaproxy; error=destination_unavailable; details=\"no exit is ready\"\r\nRetry-After: 5\r\n\r\n\
             No exit took the request: no exit is ready. See `awslambdaproxy status`.\n"
        );
    }

    #[test]
    fn the_pac_file_never_says_direct() {
        let answer = text(&Answer::pac("127.0.0.1:8080".parse().ok()), "GET", true);
        assert!(answer.contains("Content-Type: application/x-ns-proxy-autoconfig\r\n"), "{answer}");
        assert!(answer.ends_with("{ return \"PROXY 127.0.0.1:8080\"; }\n") && !answer.contains("DIRECT"), "{answer}");
    }

    #[test]
    fn an_answer_to_head_has_no_body() {
        let answer = Answer::denied(Denied::Unproven);
        assert!(text(&answer, "HEAD", true).ends_with("Connection: close\r\n\r\n"));
        assert!(text(&answer, "GET", true).contains("Proxy-Authenticate: Basic realm=\"awslambdaproxy\""));
    }

    #[test]
    fn a_wish_that_names_no_region_is_answered_with_how_to_write_one() {
        let answer = text(&Answer::denied(Denied::NoRegion), "GET", true);
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("error=http_request_error"), "{answer}");
        assert!(answer.contains("region= in the user name names no region; write region=REGION"), "{answer}");
    }

    #[test]
    fn every_error_is_explained_with_its_own_status() {
        for error in ProxyError::ALL {
            let shown = text(&Answer::refused(&Refusal::new(error, "")), "GET", false);
            assert!(shown.starts_with(&format!("HTTP/1.1 {}", error.status().as_u16())), "{shown}");
            assert!(shown.contains(&format!("error={}", error.token())), "{shown}");
            assert_eq!(shown.contains("\r\nRetry-After: "), error.status() == StatusCode::SERVICE_UNAVAILABLE, "{shown}");
        }
    }
}
