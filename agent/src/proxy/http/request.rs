//! What a client's request asks of a proxy: a tunnel, or one exchange with a site.

use bytes::Bytes;
use tunnel::destination::{BadDestination, Destination, Host};

use super::body::{BadBody, Framing, request_framing};
use super::fields::{Field, write_field};
use super::head::{BadHead, RequestHead, Version};

/// Default port of `http` (RFC 9110 section 4.2.1).
const HTTP_PORT: u16 = 80;

/// The one target in origin form that is served.
const PAC: &str = "/proxy.pac";

/// A request that this proxy can serve.
#[derive(Debug)]
pub(super) enum Request {
    /// CONNECT.
    Connect(Destination),
    /// A request in absolute form.
    Forward(Box<Forward>),
    /// The file by which a browser of this machine finds the proxy.
    Pac,
}

/// A request for a site.
#[derive(Debug)]
pub(super) struct Forward {
    /// The head as it came.
    pub head: RequestHead,
    /// The site.
    pub destination: Destination,
    /// The site as the client wrote it, for `Host`.
    authority: String,
    /// The target as the site shall see it.
    target: String,
    /// How the body ends.
    pub framing: Framing,
}

/// Why a request cannot be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadRequest {
    /// The head itself.
    #[error(transparent)]
    Head(#[from] BadHead),
    /// Not `http://`, in absolute form.
    #[error("only http:// can be forwarded; ask for anything else with CONNECT")]
    Scheme,
    /// A request as to a web server.
    #[error("this port is a proxy, not a web site; set it as the HTTP or SOCKS5 proxy of your program")]
    NoProxyRequest,
    /// A destination that is none.
    #[error("the destination is malformed: {0}")]
    Destination(#[from] BadDestination),
    /// CONNECT with a body.
    #[error("CONNECT has no body")]
    ConnectBody,
    /// A body that breaks the rules of its framing.
    #[error(transparent)]
    Body(#[from] BadBody),
    /// `Max-Forwards: 0`, which makes this proxy the last hop (RFC 9110 section 7.6.2).
    #[error("Max-Forwards allows no further hop, and this proxy has nothing to say of itself")]
    LastHop,
    /// `#` in a target.
    #[error("a request target has no fragment")]
    Fragment,
}

impl BadRequest {
    /// 431 or 400.
    pub(super) fn status(self) -> u16 {
        match self {
            Self::Head(BadHead::TooLarge) => 431,
            _ => 400,
        }
    }
}

impl Request {
    /// Reads what `head` asks for.
    pub(super) fn new(head: RequestHead) -> Result<Self, BadRequest> {
        let framing = request_framing(&head)?;
        let hosts = head.fields.values("host").count();
        if head.method == "CONNECT" {
            // The target says all that Host could; so many clients leave it out that its lack is no error here.
            let is_clear = hosts <= 1 && matches!(framing, Framing::Empty | Framing::Length(0));
            return if is_clear { Ok(Self::Connect(head.target.parse()?)) } else { Err(BadRequest::ConnectBody) };
        }
        if is_pac(&head) {
            return Ok(Self::Pac);
        }
        let (authority, target) = split_target(&head)?;
        if hosts > 1 || (hosts == 0 && head.version == Version::Http11) {
            return Err(BadHead::Host.into());
        }
        let destination = Destination::parse_or(&authority, HTTP_PORT)?;
        if counts_hops(&head) && head.fields.values("max-forwards").any(|value| value == b"0") {
            return Err(BadRequest::LastHop);
        }
        Ok(Self::Forward(Box::new(Forward { destination, authority, target, framing, head })))
    }
}

impl Forward {
    /// Whether the client asks for an upgrade (RFC 9110 section 7.8), such as WebSocket.
    pub(super) fn wants_upgrade(&self) -> bool {
        let fields = &self.head.fields;
        self.head.version == Version::Http11 && fields.has("connection", "upgrade") && fields.elements("upgrade").next().is_some()
    }

    /// The head for the site: origin form, the target's own Host (RFC 9112 section 3.2.2), nothing of this hop.
    pub(super) fn head_for_site(&self) -> Vec<u8> {
        let mut out = format!("{} {} HTTP/1.1\r\n", self.head.method, self.target).into_bytes();
        if self.head.fields.values("host").next().is_none() {
            write_field(&mut out, b"Host", self.authority.as_bytes());
        }
        for Field { name, value } in self.fields_for_site() {
            write_field(&mut out, &name, &value);
        }
        out.extend_from_slice(b"\r\n");
        out
    }

    /// How the body ends stands where the client said it, in one line.
    fn fields_for_site(&self) -> impl Iterator<Item = Field> {
        let mut length = match self.framing {
            Framing::Length(length) => Some(length),
            _ => None,
        };
        let chunked = (self.framing == Framing::Chunked)
            .then(|| Field { name: Bytes::from_static(b"Transfer-Encoding"), value: Bytes::from_static(b"chunked") });
        let fields = self.head.fields.for_next_hop(self.wants_upgrade());
        fields
            .filter_map(move |field| {
                match &field {
                    field if field.is("host") => Some(Bytes::from(self.authority.clone())),
                    field if field.is("max-forwards") && counts_hops(&self.head) => Some(one_hop_less(&field.value)),
                    field if field.is("content-length") => length.take().map(|length| Bytes::from(length.to_string())),
                    field => Some(field.value.clone()),
                }
                .map(|value| Field { name: field.name, value })
            })
            .chain(chunked)
    }
}

/// Whether the head asks for the PAC file under a name of this machine: a page from elsewhere, whose name leads here, does not
/// get it.
fn is_pac(head: &RequestHead) -> bool {
    let mut hosts = head.fields.values("host");
    let is_here = |value: &[u8]| {
        let host = std::str::from_utf8(value).ok().and_then(|text| Destination::parse_or(text, HTTP_PORT).ok());
        host.is_some_and(|it| match it.host {
            Host::Ip(ip) => ip.is_loopback(),
            Host::Name(name) => name == "localhost",
        })
    };
    matches!(head.method.as_str(), "GET" | "HEAD")
        && head.target == PAC
        && matches!((hosts.next(), hosts.next()), (Some(host), None) if is_here(host))
}

/// The methods whose way through proxies `Max-Forwards` bounds (RFC 9110 section 7.6.2).
fn counts_hops(head: &RequestHead) -> bool {
    matches!(head.method.as_str(), "TRACE" | "OPTIONS")
}

/// What is no number is not ours to mend.
fn one_hop_less(value: &Bytes) -> Bytes {
    let hops = std::str::from_utf8(value).ok().and_then(|text| text.parse::<u64>().ok());
    hops.map_or_else(|| value.clone(), |hops| hops.saturating_sub(1).to_string().into())
}

/// Authority and origin form of an absolute form (RFC 9112 section 3.2.2).
fn split_target(head: &RequestHead) -> Result<(String, String), BadRequest> {
    let Some((scheme, rest)) = head.target.split_once("://") else {
        return Err(BadRequest::NoProxyRequest);
    };
    if scheme.starts_with('/') {
        return Err(BadRequest::NoProxyRequest);
    }
    if !scheme.eq_ignore_ascii_case("http") {
        return Err(BadRequest::Scheme);
    }
    if rest.contains('#') {
        return Err(BadRequest::Fragment);
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let target = match (path, head.method.as_str()) {
        // RFC 9112 section 3.2.4.
        ("", "OPTIONS") => "*".to_owned(),
        (path, _) if path.starts_with('/') => path.to_owned(),
        (query, _) => format!("/{query}"),
    };
    Ok((authority.to_owned(), target))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proxy::http::head::parse_request;

    fn parse(text: &str) -> Result<Request, BadRequest> {
        Request::new(parse_request(&Bytes::from(text.to_owned()))?)
    }

    fn forwarded(text: &str) -> String {
        let Ok(Request::Forward(forward)) = parse(text) else { return "not forwarded".into() };
        String::from_utf8(forward.head_for_site()).expect("text")
    }

    #[test]
    fn the_site_sees_what_a_client_without_a_proxy_would_send() {
        let seen = forwarded(
            "POST http://Example.com:8080/a?b HTTP/1.1\r\nUser-Agent: x\r\nhost: other\r\nProxy-Connection: keep-alive\r\n\
             Content-Length: 3, 3\r\nACCEPT: */*\r\nProxy-Authorization: Basic eA==\r\nExpect: 100-continue\r\n\r\n",
        );
        assert_eq!(
            seen,
            "POST /a?b HTTP/1.1\r\nUser-Agent: x\r\nhost: Example.com:8080\r\nContent-Length: 3\r\nACCEPT: */*\r\n\
             Expect: 100-continue\r\n\r\n"
        );
    }

    #[test]
    fn every_target_gets_its_origin_form() {
        let line = |method: &str, target: &str| {
            forwarded(&format!("{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n")).lines().next().unwrap_or_default().to_owned()
        };
        assert_eq!(line("GET", "http://a"), "GET / HTTP/1.1");
        assert_eq!(line("GET", "HTTP://a?q"), "GET /?q HTTP/1.1");
        assert_eq!(line("OPTIONS", "http://a"), "OPTIONS * HTTP/1.1");
        assert_eq!(line("OPTIONS", "http://a/"), "OPTIONS / HTTP/1.1");
        assert_eq!(line("GET", "http://a//b/../c?x=http://d/"), "GET //b/../c?x=http://d/ HTTP/1.1");
    }

    #[test]
    fn hops_are_counted_where_the_method_says_so() {
        let hops =
            |method: &str, hops: &str| parse(&format!("{method} http://a/ HTTP/1.1\r\nHost: a\r\nMax-Forwards: {hops}\r\n\r\n"));
        assert_eq!(hops("TRACE", "0").err(), Some(BadRequest::LastHop));
        assert!(hops("GET", "0").is_ok());
        let seen = forwarded("OPTIONS http://a/ HTTP/1.1\r\nHost: a\r\nMax-Forwards: 10\r\n\r\n");
        assert!(seen.ends_with("\r\nMax-Forwards: 9\r\n\r\n"), "{seen}");
    }

    #[test]
    fn an_old_client_gets_a_host_and_chunks_stay_chunks() {
        assert_eq!(forwarded("GET http://a/ HTTP/1.0\r\nX: y\r\n\r\n"), "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n");
        let chunked = "POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: S\r\n\r\n";
        assert_eq!(forwarded(chunked), "POST / HTTP/1.1\r\nHost: a\r\nTrailer: S\r\nTransfer-Encoding: chunked\r\n\r\n");
    }

    #[test]
    fn what_is_no_request_to_a_proxy_is_refused_with_the_cause() {
        let error = |text: &str| parse(&format!("{text}\r\n\r\n")).err();
        assert_eq!(error("GET / HTTP/1.1\r\nHost: a"), Some(BadRequest::NoProxyRequest));
        assert_eq!(error("GET /?u=http://b/ HTTP/1.1\r\nHost: a"), Some(BadRequest::NoProxyRequest));
        assert_eq!(error("OPTIONS * HTTP/1.1\r\nHost: a"), Some(BadRequest::NoProxyRequest));
        assert_eq!(error("GET https://a/ HTTP/1.1\r\nHost: a"), Some(BadRequest::Scheme));
        assert_eq!(error("GET http://a/#b HTTP/1.1\r\nHost: a"), Some(BadRequest::Fragment));
        assert_eq!(error("GET http://a/ HTTP/1.1"), Some(BadRequest::Head(BadHead::Host)));
        assert_eq!(error("GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: a"), Some(BadRequest::Head(BadHead::Host)));
        assert_eq!(error("GET http://u:p@a/ HTTP/1.1\r\nHost: a"), Some(BadRequest::Destination(BadDestination::UserInfo)));
        assert_eq!(error("GET http:/// HTTP/1.1\r\nHost: a"), Some(BadRequest::Destination(BadDestination::Host)));
        assert_eq!(error("CONNECT a HTTP/1.1"), Some(BadRequest::Destination(BadDestination::NoPort)));
        assert_eq!(error("CONNECT a:1 HTTP/1.1\r\nContent-Length: 5"), Some(BadRequest::ConnectBody));
        assert_eq!(error("CONNECT a:1 HTTP/1.1\r\nTransfer-Encoding: chunked"), Some(BadRequest::ConnectBody));
        assert!(matches!(parse("CONNECT [2001:db8::1]:443 HTTP/1.0\r\n\r\n"), Ok(Request::Connect(_))));
    }

    #[test]
    fn the_pac_file_is_there_under_a_name_of_this_machine_only() {
        let is_pac = |text: &str| matches!(parse(&format!("{text}\r\n\r\n")), Ok(Request::Pac));
        for host in ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080", "127.1.2.3"] {
            assert!(is_pac(&format!("GET /proxy.pac HTTP/1.1\r\nHost: {host}")), "{host}");
        }
        for head in [
            "GET /proxy.pac HTTP/1.1\r\nHost: evil.example:8080",
            "GET /proxy.pac HTTP/1.1\r\nHost: 192.0.2.1",
            "GET /proxy.pac HTTP/1.1\r\nHost: localhost.evil.example",
            "GET /proxy.pac HTTP/1.0",
            "GET /proxy.pac HTTP/1.1\r\nHost: localhost\r\nHost: localhost",
            "POST /proxy.pac HTTP/1.1\r\nHost: localhost",
            "GET /proxy.pac?x HTTP/1.1\r\nHost: localhost",
            "GET /Proxy.pac HTTP/1.1\r\nHost: localhost",
        ] {
            assert!(!is_pac(head), "{head}");
        }
    }

    proptest! {
        #[test]
        fn no_target_panics_or_breaks_the_line(target in "(http://)?[!-~]{0,40}", method in "[A-Z]{1,8}") {
            if let Ok(Request::Forward(forward)) = parse(&format!("{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n")) {
                let head = String::from_utf8(forward.head_for_site()).expect("text");
                prop_assert_eq!(head.lines().count(), 3);
                prop_assert_eq!(head.lines().next().map(|line| line.split(' ').count()), Some(3));
            }
        }
    }
}
