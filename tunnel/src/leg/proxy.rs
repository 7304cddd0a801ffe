//! The way through a company's HTTP proxy: CONNECT (RFC 9110 section 9.3.6), and what its answer says.
//!
//! Never: the relay's token is not told to the proxy, nor the proxy's password to the relay, and no byte behind the
//! answer's head is taken.

use std::fmt;
use std::io;

use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::destination::Destination;

/// Longest answer head that is read, bytes: what proxies of the field send is a tenth of it.
const LONGEST_ANSWER: usize = 16 * 1024;
/// Most fields of an answer.
const MOST_FIELDS: usize = 64;
/// Longest text of the proxy that is shown.
const LONGEST_SHOWN: usize = 120;

/// A proxy that agrees to CONNECT.
#[derive(Debug, Clone)]
pub struct HttpProxy {
    /// Where it listens.
    pub authority: Destination,
    /// The value of `Proxy-Authorization`, if it asks for one.
    pub authorization: Option<SecretString>,
}

/// Why the proxy did not let us through.
#[derive(Debug, thiserror::Error)]
pub enum ProxyFailure {
    /// It cannot be reached, or went away.
    #[error("it cannot be reached: {0}")]
    Io(#[from] io::Error),
    /// It asks who we are (407).
    #[error("it wants {wanted}{} (407)", if *presented { ", and did not take what it got" } else { "" })]
    Credentials {
        /// Credentials were presented.
        presented: bool,
        /// What it asks for.
        wanted: String,
    },
    /// It does not let anybody there (403).
    #[error("it does not allow connections to {to} (403)")]
    Forbidden {
        /// The relay.
        to: String,
    },
    /// Another answer.
    #[error("it answered {status} {reason}")]
    Refused {
        /// The status.
        status: u16,
        /// Its words.
        reason: String,
    },
    /// No HTTP.
    #[error("what answers there is no HTTP proxy")]
    NotHttp,
}

impl ProxyFailure {
    /// Whether the proxy would do the same to any other relay.
    pub(super) fn is_of_any_target(&self) -> bool {
        matches!(self, Self::Io(_) | Self::Credentials { .. } | Self::NotHttp)
    }

    /// What can be done about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io(_) => "check relay.proxy or HTTPS_PROXY: name and port, and that the proxy can be reached from here",
            Self::Credentials { presented: false, .. } => {
                "write user:password@ before the proxy's host in relay.proxy or HTTPS_PROXY; only Basic is spoken"
            }
            Self::Credentials { presented: true, .. } => "the user or the password in relay.proxy or HTTPS_PROXY is wrong",
            Self::Forbidden { .. } => {
                "ask who runs the proxy to allow the relay's host and port; many allow 443 only, so a relay on 443 may pass"
            }
            Self::Refused { .. } => "the proxy could not reach the relay: check relay.url, and ask who runs the proxy",
            Self::NotHttp => "relay.proxy and HTTPS_PROXY take a plain HTTP proxy: http://host:port",
        }
    }
}

/// Asks the proxy at the other end of `tcp` for a way to `to`.
pub(super) async fn connect(tcp: &mut TcpStream, proxy: &HttpProxy, to: &Destination) -> Result<(), ProxyFailure> {
    tcp.write_all(request(proxy, to).as_bytes()).await?;
    let head = read_head(tcp).await?;
    judge(&Answer::parse(&head).ok_or(ProxyFailure::NotHttp)?, proxy, to)
}

fn request(proxy: &HttpProxy, to: &Destination) -> String {
    let credentials = proxy.authorization.as_ref();
    let credentials = credentials.map(|value| format!("Proxy-Authorization: {}\r\n", value.expose_secret()));
    format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{}\r\n", credentials.unwrap_or_default())
}

/// Reads up to the empty line and not a byte further: what follows belongs to the relay.
async fn read_head(tcp: &mut TcpStream) -> Result<Vec<u8>, ProxyFailure> {
    let mut head = Vec::new();
    let mut ahead = [0; 2048];
    while head.len() < LONGEST_ANSWER {
        let seen = tcp.peek(&mut ahead).await?;
        if seen == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let before = head.len();
        head.extend_from_slice(&ahead[..seen]);
        let end = end_of_head(&head);
        head.truncate(end.unwrap_or(head.len()));
        tcp.read_exact(&mut ahead[..head.len() - before]).await?;
        if end.is_some() {
            return Ok(head);
        }
    }
    Err(ProxyFailure::NotHttp)
}

/// Where the empty line ends, with or without carriage returns.
fn end_of_head(head: &[u8]) -> Option<usize> {
    let ends = |ending: &[u8]| head.windows(ending.len()).position(|at| at == ending).map(|at| at + ending.len());
    [ends(b"\r\n\r\n"), ends(b"\n\n")].into_iter().flatten().min()
}

/// What is read of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The words beside it, printable.
    pub reason: String,
    /// The schemes that `Proxy-Authenticate` names.
    pub schemes: Vec<String>,
}

impl Answer {
    /// Reads a head; `None` if it is none.
    pub fn parse(head: &[u8]) -> Option<Self> {
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        if !response.parse(head).ok()?.is_complete() {
            return None;
        }
        let challenges = response.headers.iter().filter(|field| field.name.eq_ignore_ascii_case("proxy-authenticate"));
        let schemes = challenges.filter_map(|field| std::str::from_utf8(field.value).ok()?.split_whitespace().next());
        Some(Self {
            status: response.code?,
            reason: printable(response.reason.unwrap_or_default()),
            schemes: schemes.map(printable).collect(),
        })
    }
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST_SHOWN).collect()
}

fn judge(answer: &Answer, proxy: &HttpProxy, to: &Destination) -> Result<(), ProxyFailure> {
    match answer.status {
        200..300 => Ok(()),
        407 => Err(ProxyFailure::Credentials { presented: proxy.authorization.is_some(), wanted: wanted(&answer.schemes) }),
        403 => Err(ProxyFailure::Forbidden { to: to.to_string() }),
        status => Err(ProxyFailure::Refused { status, reason: answer.reason.clone() }),
    }
}

fn wanted(schemes: &[String]) -> String {
    let basic = |scheme: &String| scheme.eq_ignore_ascii_case("basic");
    if schemes.is_empty() || schemes.iter().any(basic) {
        return "a user name and a password".to_owned();
    }
    format!("{} credentials, which this program does not speak", schemes.join(" or "))
}

impl fmt::Display for HttpProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.authority)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::net::TcpListener;

    use super::*;

    fn proxy(authorization: Option<&str>) -> HttpProxy {
        let authority = "127.0.0.1:3128".parse().expect("authority");
        HttpProxy { authority, authorization: authorization.map(|value| value.to_owned().into()) }
    }

    fn to() -> Destination {
        "relay.example.com:443".parse().expect("destination")
    }

    /// What comes of this answer, sent in pieces of `size` bytes, and what is left to read behind it.
    async fn answered(answer: &str, size: usize, proxy: &HttpProxy) -> (Result<(), ProxyFailure>, String, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let (near, far) = tokio::join!(TcpStream::connect(listener.local_addr().expect("address")), listener.accept());
        let (mut near, (mut far, _)) = (near.expect("connect"), far.expect("accept"));
        let serving = async move {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(far.read_u8().await.expect("a request"));
            }
            for piece in answer.as_bytes().chunks(size) {
                far.write_all(piece).await.expect("an answer");
                tokio::task::yield_now().await;
            }
            String::from_utf8(request).expect("text")
        };
        let to = to();
        let (outcome, request) = tokio::join!(connect(&mut near, proxy, &to), serving);
        let mut rest = String::new();
        near.read_to_string(&mut rest).await.expect("the rest");
        (outcome, request, rest)
    }

    #[tokio::test]
    async fn the_head_is_read_to_its_end_and_no_further() {
        for size in [1, 7, 5_000] {
            let long = "x".repeat(3_000);
            let answer = format!("HTTP/1.1 200 Connection established\r\nX-Long: {long}\r\n\r\nbytes of the relay");
            let (outcome, request, rest) = answered(&answer, size, &proxy(None)).await;
            outcome.expect("let through");
            assert_eq!(rest, "bytes of the relay");
            assert_eq!(request, "CONNECT relay.example.com:443 HTTP/1.1\r\nHost: relay.example.com:443\r\n\r\n");
        }
    }

    #[tokio::test]
    async fn a_refusal_names_its_cause_and_the_mend() {
        let basic = "Basic dTpw";
        for (answer, presented, text, hint) in [
            (
                "407 x\r\nProxy-Authenticate: Basic realm=\"squid\"",
                None,
                "wants a user name and a password (407)",
                "user:password@",
            ),
            ("407 x\r\nProxy-Authenticate: Basic realm=\"a\"", Some(basic), "did not take what it got", "is wrong"),
            ("407 x\r\nProxy-Authenticate: NTLM\r\nProxy-Authenticate: Negotiate", None, "NTLM or Negotiate", "Basic"),
            ("403 Forbidden", None, "does not allow connections to relay.example.com:443 (403)", "443 only"),
            ("503 Service Unavailable", None, "it answered 503 Service Unavailable", "could not reach the relay"),
        ] {
            let proxy = proxy(presented);
            let (outcome, request, _) = answered(&format!("HTTP/1.1 {answer}\r\n\r\n<html>"), 100, &proxy).await;
            let failure = outcome.expect_err(answer);
            assert!(failure.to_string().contains(text) && failure.hint().contains(hint), "{failure}; {}", failure.hint());
            assert_eq!(request.contains("Proxy-Authorization: Basic dTpw\r\n"), presented.is_some());
            assert!(!format!("{failure} {failure:?} {proxy:?}").contains("dTpw"));
        }
    }

    #[tokio::test]
    async fn what_is_no_proxy_is_told_so() {
        for answer in ["SSH-2.0-OpenSSH_9.2\r\n\r\n", &"x".repeat(40_000), "HTTP/1.1 abc\r\n\r\n"] {
            let (outcome, ..) = answered(answer, 40_000, &proxy(None)).await;
            assert!(matches!(outcome, Err(ProxyFailure::NotHttp)), "{outcome:?}");
        }
        let (outcome, ..) = answered("HTTP/1.1 200 OK\r\n", 100, &proxy(None)).await;
        assert!(matches!(&outcome, Err(ProxyFailure::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof), "{outcome:?}");
    }

    proptest! {
        #[test]
        fn no_answer_panics_or_shows_what_cannot_be_printed(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let head = [b"HTTP/1.1 407 ", bytes.as_slice(), b"\r\n\r\n"].concat();
            for head in [bytes, head] {
                if let Some(answer) = Answer::parse(&head) {
                    prop_assert!(!answer.reason.contains(char::is_control));
                    let _ = judge(&answer, &proxy(None), &to()).map_err(|failure| failure.to_string());
                }
            }
        }
    }
}
