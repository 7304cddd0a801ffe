//! Who vouches for a server: a public authority, or one that only this machine trusts, as where TLS is inspected on the way.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{DATE, HOST, USER_AGENT};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tunnel::destination::{Destination, Host};
use tunnel::leg::tls::{public_roots, trusting};

/// How long a connection, its handshake and one answer may take.
const LONGEST: Duration = Duration::from_secs(8);

/// Who vouches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voucher {
    /// An authority that everybody trusts.
    Public,
    /// One that only this machine does.
    Private,
}

/// What a server showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) voucher: Voucher,
    /// Its clock.
    pub(super) date: Option<String>,
}

/// Asks a server who vouches for it. `ours`: what this machine trusts.
pub(super) async fn examine(server: &Destination, ours: &Arc<ClientConfig>) -> Result<Shown, String> {
    let public = trusting(public_roots()).map_err(|error| error.to_string())?;
    match ask(server, &public).await {
        Ok(date) => Ok(Shown { voucher: Voucher::Public, date }),
        Err(_) => ask(server, ours).await.map(|date| Shown { voucher: Voucher::Private, date }),
    }
}

/// One plain request over TLS; its answer's `Date`.
async fn ask(server: &Destination, config: &Arc<ClientConfig>) -> Result<Option<String>, String> {
    let asking = async {
        let tcp = connect(server).await.map_err(|error| format!("TCP: {error}"))?;
        let tls = TlsConnector::from(config.clone()).connect(name(&server.host)?, tcp).await;
        date(tls.map_err(|error| format!("TLS: {error}"))?, server).await
    };
    timeout(LONGEST, asking).await.unwrap_or_else(|_| Err(format!("no answer within {} s", LONGEST.as_secs())))
}

async fn connect(server: &Destination) -> std::io::Result<TcpStream> {
    match &server.host {
        Host::Ip(ip) => TcpStream::connect((*ip, server.port)).await,
        Host::Name(name) => TcpStream::connect((name.as_str(), server.port)).await,
    }
}

fn name(host: &Host) -> Result<ServerName<'static>, String> {
    match host {
        Host::Ip(ip) => Ok(ServerName::from(*ip)),
        Host::Name(name) => ServerName::try_from(name.clone()).map_err(|error| error.to_string()),
    }
}

/// A server that speaks no HTTP has no clock for us, and is judged all the same.
async fn date(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, server: &Destination) -> Result<Option<String>, String> {
    let Ok((mut sender, connection)) = http1::handshake(TokioIo::new(io)).await else { return Ok(None) };
    let request = http::Request::get("/healthz")
        .header(HOST, server.to_string())
        .header(USER_AGENT, concat!("awslambdaproxy/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let asking = async move {
        let answer = sender.send_request(request).await.ok()?;
        answer.headers().get(DATE)?.to_str().ok().map(str::to_owned)
    };
    Ok(tokio::join!(asking, connection).0)
}
