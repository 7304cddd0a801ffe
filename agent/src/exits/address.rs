//! Which address sites see of an exit: asked through the tunnel of a web server that answers with it.
//!
//! Best effort: no exit waits for it, and an exit without an answer is as good as another.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tunnel::destination::{Destination, Host};
use tunnel::session::client::Opener;

/// How long the whole question may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Longest answer, bytes: an address and a line end.
const LONGEST_ANSWER: usize = 256;

/// Whom to ask.
#[derive(Clone)]
pub struct CheckUrl {
    /// The server.
    pub destination: Destination,
    /// Path and query.
    pub path: String,
    /// TLS, for `https`.
    pub tls: Option<Arc<ClientConfig>>,
}

/// Why there is no answer, in words.
pub type Cause = String;

/// Most causes that are remembered as told; there are a handful.
const MOST_CAUSES: usize = 20;

/// Says once of each cause why addresses stay unknown.
#[derive(Debug, Default)]
pub struct Unknown(BTreeSet<Cause>);

impl Unknown {
    /// An exit's address stays unknown because of this.
    pub fn tell(&mut self, cause: &Cause) {
        if self.note(cause) {
            let hint = "exits.check_url names who is asked; \"\" asks nobody";
            tracing::warn!(cause, hint, "the addresses of exits stay unknown; they work all the same");
        }
    }

    /// Whether this cause is news.
    fn note(&mut self, cause: &Cause) -> bool {
        self.0.len() < MOST_CAUSES && self.0.insert(cause.clone())
    }
}

/// Asks through one exit.
pub async fn ask(opener: &Opener, url: &CheckUrl) -> Result<IpAddr, Cause> {
    timeout(TIMEOUT, question(opener, url)).await.unwrap_or_else(|_| Err("no answer in time".into()))
}

async fn question(opener: &Opener, url: &CheckUrl) -> Result<IpAddr, Cause> {
    let stream = opener.open(&url.destination.to_string()).await.map_err(|error| error.to_string())?;
    match &url.tls {
        None => request(stream, url).await,
        Some(config) => {
            let name = match &url.destination.host {
                Host::Ip(ip) => ServerName::from(*ip),
                Host::Name(name) => ServerName::try_from(name.clone()).map_err(|error| error.to_string())?,
            };
            let tls = TlsConnector::from(config.clone()).connect(name, stream).await.map_err(|error| error.to_string())?;
            request(tls, url).await
        }
    }
}

async fn request(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, url: &CheckUrl) -> Result<IpAddr, Cause> {
    let failed = |error: hyper::Error| error.to_string();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(io)).await.map_err(failed)?;
    let request = Request::get(&url.path)
        .header(HOST, url.destination.to_string())
        .header(USER_AGENT, concat!("awslambdaproxy/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let asking = async move {
        let answer = sender.send_request(request).await.map_err(failed)?;
        if answer.status() != StatusCode::OK {
            return Err(format!("the server answered {}", answer.status()));
        }
        let body = Limited::new(answer.into_body(), LONGEST_ANSWER).collect().await.map_err(|error| error.to_string())?;
        parse(&body.to_bytes())
    };
    // The connection ends when the question is over, for then its sender is dropped.
    tokio::join!(asking, connection).0
}

fn parse(body: &[u8]) -> Result<IpAddr, Cause> {
    let text = std::str::from_utf8(body).unwrap_or_default().trim();
    text.parse().map_err(|_| "the answer is no address".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_is_an_answer() {
        assert_eq!(parse(b"203.0.113.7\n"), Ok("203.0.113.7".parse().expect("address")));
        assert!(parse(b"<html>203.0.113.7</html>").is_err());
        assert!(parse(&[0xff]).is_err());
    }

    #[test]
    fn each_cause_is_told_once_and_not_without_end() {
        let mut unknown = Unknown::default();
        assert!(unknown.note(&"no answer in time".to_owned()) && !unknown.note(&"no answer in time".to_owned()));
        let told = (0..10 * MOST_CAUSES).filter(|number| unknown.note(&number.to_string())).count();
        assert_eq!(told, MOST_CAUSES - 1);
    }
}
