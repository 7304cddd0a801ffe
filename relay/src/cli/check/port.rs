//! Can the relay have its ports, or does a relay have them already?

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, DEFAULT_VERSIONS, StreamOwned};

use super::finding::Finding;
use crate::cli::exit::FAILURE;
use crate::config::{MetricsPort, Settings, Tls};
use crate::server::HEALTH_PATH;
use crate::system;
use crate::tls::unverified;

/// How long what listens may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Longest answer that is read, bytes.
const LONGEST_ANSWER: u64 = 4096;

pub(super) fn check(settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![relays_own(settings)];
    if let MetricsPort::At(address) | MetricsPort::Usual(address) = settings.metrics {
        findings.push(metrics(address));
    }
    findings
}

fn relays_own(settings: &Settings) -> Finding {
    let address = settings.listen;
    match system::listen(address) {
        Ok(_) => Finding::ok("port", format!("{address} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => match health(settings) {
            Ok(answer) => Finding::ok("port", format!("a relay runs at {address} and says: {answer}")),
            Err(reason) => Finding::wrong(FAILURE, "port", format!("{address} is taken, and not by a healthy relay: {reason}")),
        },
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let text = format!(
                "{address}: {error}; ports below 1024 are for root, or for systemd to hand over (awslambdaproxy-relay.socket)"
            );
            Finding::warning("port", text)
        }
        Err(error) => Finding::wrong(FAILURE, "port", format!("{address}: {error}")),
    }
}

fn metrics(address: SocketAddr) -> Finding {
    if !address.ip().is_loopback() {
        let text = format!("{address} is open to whoever reaches it: let a firewall choose who does");
        return Finding::warning("metrics", text);
    }
    match system::listen(address) {
        Ok(_) => Finding::ok("metrics", format!("{address} is free")),
        Err(error) => match connect(address).and_then(|socket| exchange(socket, "/readyz")) {
            Ok(answer) if answer.contains("\r\n\r\n") => {
                Finding::ok("metrics", format!("a relay has {address} and says: {}", body(&answer)))
            }
            _ => {
                Finding::warning("metrics", format!("{address}: {error}; there will be no metrics unless they get another port"))
            }
        },
    }
}

/// What the health page of the relay that listens says.
fn health(settings: &Settings) -> Result<String, String> {
    let socket = connect(settings.listen).map_err(|error| error.to_string())?;
    let answer = match &settings.tls {
        Tls::Off => exchange(socket, HEALTH_PATH),
        Tls::Acme(authority) => over_tls(socket, &authority.domain),
        Tls::Files { .. } | Tls::SelfSigned => over_tls(socket, &settings.certificate_host()),
    };
    let answer = answer.map_err(|error| error.to_string())?;
    match body(&answer) {
        body @ ("ok" | "draining") => Ok(body.to_owned()),
        _ => Err("what answers there has no health page of a relay".to_owned()),
    }
}

fn body(answer: &str) -> &str {
    answer.split("\r\n\r\n").nth(1).unwrap_or_default().trim()
}

fn connect(listen: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpStream::connect_timeout(&SocketAddr::new(reachable(listen.ip()), listen.port()), PATIENCE)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// Where one connects to reach what listens on every address.
fn reachable(listen: IpAddr) -> IpAddr {
    match listen {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        other => other,
    }
}

fn over_tls(socket: TcpStream, host: &str) -> io::Result<String> {
    let name = ServerName::try_from(host).map_err(io::Error::other)?.to_owned();
    // Whether the certificate is the right one is not the question here.
    let config = unverified(DEFAULT_VERSIONS).map_err(io::Error::other)?;
    let connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    exchange(StreamOwned::new(connection, socket), HEALTH_PATH)
}

fn exchange(mut io: impl Read + Write, path: &str) -> io::Result<String> {
    write!(io, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    io.flush()?;
    let mut answer = Vec::new();
    io.take(LONGEST_ANSWER).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
