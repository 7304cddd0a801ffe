//! Dials a relay: TCP, a company's proxy if one is in the way, TLS, upgrade. Says of a failure which phase it was, and of a
//! refusal what the relay said.
//!
//! Never: the token and the ticket go into the request's head and nowhere else.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, RETRY_AFTER, SEC_WEBSOCKET_PROTOCOL};
use http::{HeaderValue, Request, Response, StatusCode};
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::connect::connect;
use super::known::{Known, Trouble};
use super::port::{AGENT_PATH, FUNCTION_PATH, INSTANCE_HEADER, SUBPROTOCOL, TUNNEL_HEADER};
use super::proxy::{self, HttpProxy, ProxyFailure};
use super::steps::{Steps, pass};
use super::tls::{pinning, trusting};
use super::watched::{Heard, Watched};
use crate::destination::{Destination, Host};
use crate::instance::InstanceNonce;
use crate::invitation::RelayEndpoint;
use crate::limits::{DIAL_TIMEOUT, LARGEST_MESSAGE};
use crate::ticket::{Ticket, TicketHash};

/// Bytes that a leg reads at once: a whole message of a bulk transfer.
const READ_BUFFER: usize = 64 * 1024;
/// Longest refusal body that is shown, bytes.
const LONGEST_REASON: usize = 200;

/// The mend where nothing answers, for whoever goes on dialling.
pub const UNREACHED: &str = "check relay.url, the network and that the relay runs; it is dialled again and again";
/// The mend where nobody whom this machine trusts vouches for the relay's certificate.
pub const UNKNOWN_ISSUER: &str = "if a private authority signed it, name that in relay.ca_file; if the relay made it itself, pin \
                                  it with relay.certificate_sha256";

/// A relay as an agent dials it: with the agent's token there, and what judges its certificate if it has no pin.
#[derive(Debug, Clone)]
pub struct AgentRelay {
    /// Where it is.
    pub endpoint: RelayEndpoint,
    /// The agent's token there.
    pub token: SecretString,
    /// Judges a certificate that is not pinned.
    pub trust: Arc<ClientConfig>,
    /// The proxy by which it is reached, if any.
    pub proxy: Option<HttpProxy>,
    /// What is known of it.
    pub known: Known,
}

/// Why a dial failed, by phase.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The relay's name could not be resolved, or nothing answered there.
    #[error("TCP: {0}")]
    Tcp(#[source] io::Error),
    /// The proxy in the way did not let us through.
    #[error("the proxy {proxy}: {failure}")]
    Proxy {
        /// Where it is.
        proxy: String,
        /// Why.
        #[source]
        failure: ProxyFailure,
    },
    /// The relay's certificate is not the expected one, or the handshake failed.
    #[error("TLS: {0}")]
    Tls(#[source] io::Error),
    /// No answer in time.
    #[error("no answer within {} s", DIAL_TIMEOUT.as_secs())]
    Timeout,
    /// The relay answered the upgrade with a status of its own.
    #[error("refused: {status}{}{reason}", if reason.is_empty() { "" } else { ", " })]
    Refused {
        /// The status.
        status: StatusCode,
        /// Not before.
        retry_after: Option<Duration>,
        /// The relay's words.
        reason: String,
    },
    /// What answered is no relay.
    #[error("upgrade: {0}")]
    Upgrade(String),
    /// The connection ended before the upgrade was answered.
    #[error("upgrade: the connection was cut: {0}")]
    Cut(#[source] io::Error),
}

impl DialError {
    /// How long the relay asked not to be dialled again.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether it is an answer of a relay that is well, about one tunnel.
    pub(crate) fn is_about_the_tunnel(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if matches!(status.as_u16(), 404 | 409 | 410))
    }

    /// For people, and for what is known of the relay.
    pub(crate) fn trouble(&self) -> Trouble {
        let (code, of_us) = match self {
            Self::Proxy { .. } => ("relay_proxy", false),
            Self::Refused { status, .. } => ("relay_refused", matches!(status.as_u16(), 400 | 401 | 426)),
            _ => ("relay_unreachable", false),
        };
        let of_proxy = matches!(self, Self::Proxy { failure, .. } if failure.is_of_any_target());
        Trouble { code, text: self.to_string(), hint: self.hint(), of_proxy, of_us }
    }

    /// What can be done about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Tcp(_) | Self::Timeout => UNREACHED,
            Self::Proxy { failure, .. } => failure.hint(),
            Self::Tls(error) => tls_hint(error),
            Self::Refused { status, .. } => match status.as_u16() {
                401 => "the relay does not know this token: pair anew with `awslambdaproxy-relay agent add`",
                426 => "agent and relay are of different versions: update both",
                429 => "the relay limits how many legs an agent or address may have; it is tried again when it allows",
                503 => "the relay is full or restarts; it is tried again",
                _ => "something else than a relay may answer at relay.url",
            },
            Self::Cut(_) => {
                "the relay ended just then, or a middle box on the way cuts WebSockets: try relay.url with port 443 and TLS (wss)"
            }
            Self::Upgrade(_) => "something else than a relay answers at relay.url, or a middle box takes the upgrade away",
        }
    }
}

fn tls_hint(error: &io::Error) -> &'static str {
    let certificate = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match certificate {
        Some(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)) => {
            "the certificate is not the one of relay.certificate_sha256: the relay has a new one, or somebody is in between"
        }
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => UNKNOWN_ISSUER,
        _ => "check relay.url and the relay's certificate: its names and its dates, and this machine's clock",
    }
}

pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A leg that stands.
pub(crate) struct Leg {
    pub(crate) socket: WebSocketStream<Watched<Box<dyn Io>>>,
    pub(crate) heard: Heard,
}

/// One kind of message.
pub(crate) type LegMessage = Message;

/// One relay, and what an end tells it.
#[derive(Clone)]
pub(super) struct Target {
    endpoint: RelayEndpoint,
    bearer: SecretString,
    trust: Arc<ClientConfig>,
    /// The endpoint's own authorities judge its certificate, rather than `trust`.
    by_authorities: bool,
    proxy: Option<HttpProxy>,
    known: Known,
}

impl Target {
    pub(super) fn of_agent(relay: &AgentRelay) -> Self {
        Self {
            endpoint: relay.endpoint.clone(),
            bearer: relay.token.clone(),
            trust: relay.trust.clone(),
            by_authorities: false,
            proxy: relay.proxy.clone(),
            known: relay.known.clone(),
        }
    }

    /// A connection to the relay that is as private as its URL says.
    pub(super) async fn open(&self, steps: &mut Steps) -> Result<Box<dyn Io>, DialError> {
        let authority = &self.endpoint.url.authority;
        let tcp = match &self.proxy {
            None => connect(authority, steps).await.map_err(DialError::Tcp)?,
            Some(proxy) => {
                let through = through(proxy, authority, steps).await;
                through.map_err(|failure| DialError::Proxy { proxy: proxy.to_string(), failure })?
            }
        };
        if !self.endpoint.url.tls {
            return Ok(Box::new(tcp));
        }
        let tls = secure(self, tcp).await?;
        pass(&mut steps.secured);
        Ok(Box::new(tls))
    }
}

async fn through(proxy: &HttpProxy, to: &Destination, steps: &mut Steps) -> Result<TcpStream, ProxyFailure> {
    let mut tcp = connect(&proxy.authority, steps).await?;
    proxy::connect(&mut tcp, proxy, to).await?;
    Ok(tcp)
}

/// Dials the relays of one tunnel.
#[derive(Clone)]
pub struct Dialer {
    targets: Vec<Target>,
    is_agent: bool,
    /// What names the tunnel, or the process, beside the secret.
    name: (&'static str, String),
}

impl Dialer {
    /// For an agent's end. `relays` must not be empty; the first is dialled first.
    pub fn for_agent(relays: &[AgentRelay], tunnel: TicketHash) -> Self {
        Self { targets: relays.iter().map(Target::of_agent).collect(), is_agent: true, name: (TUNNEL_HEADER, tunnel.to_string()) }
    }

    /// For a function's end. `relays` must not be empty; `trust` judges those without a pin or authorities of their own.
    pub fn for_function(relays: &[RelayEndpoint], ticket: &Ticket, instance: InstanceNonce, trust: &Arc<ClientConfig>) -> Self {
        let target = |endpoint: &RelayEndpoint| Target {
            endpoint: endpoint.clone(),
            bearer: ticket.to_hex().into(),
            trust: trust.clone(),
            by_authorities: !endpoint.authorities.is_empty(),
            proxy: None,
            known: Known::default(),
        };
        Self { targets: relays.iter().map(target).collect(), is_agent: false, name: (INSTANCE_HEADER, instance.to_string()) }
    }

    pub(crate) fn is_agent(&self) -> bool {
        self.is_agent
    }

    pub(crate) fn relays(&self) -> usize {
        self.targets.len()
    }

    /// How long each relay still asks to be left alone.
    pub(crate) fn holds(&self, now: Instant) -> Vec<Duration> {
        self.targets.iter().map(|target| target.known.hold(now)).collect()
    }

    /// Dials the relay at `index`, counted round. `steps` tell how far it came, also when it fails.
    pub(crate) async fn dial(&self, index: usize, steps: &mut Steps) -> Result<Leg, DialError> {
        let target = &self.targets[index % self.targets.len()];
        let dialled = tokio::time::timeout(DIAL_TIMEOUT, self.attempt(target, steps)).await.unwrap_or(Err(DialError::Timeout));
        match &dialled {
            Ok(_) => target.known.note_stood(),
            Err(error) => target.known.note_failed(error, Instant::now()),
        }
        dialled
    }

    async fn attempt(&self, target: &Target, steps: &mut Steps) -> Result<Leg, DialError> {
        let (watched, heard) = Watched::new(target.open(steps).await?);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(LARGEST_MESSAGE))
            .max_frame_size(Some(LARGEST_MESSAGE));
        let request = self.request(target)?;
        let (socket, _response) = client_async_with_config(request, watched, Some(config)).await.map_err(refused)?;
        pass(&mut steps.upgraded);
        Ok(Leg { socket, heard })
    }

    fn request(&self, target: &Target) -> Result<Request<()>, DialError> {
        let path = if self.is_agent { AGENT_PATH } else { FUNCTION_PATH };
        let malformed = |what| DialError::Upgrade(format!("{what} cannot be sent in a request"));
        let mut request = format!("{}{path}", target.endpoint.url).into_client_request().map_err(|_| malformed("the URL"))?;
        let bearer = format!("Bearer {}", target.bearer.expose_secret());
        let mut bearer = HeaderValue::from_str(&bearer).map_err(|_| malformed("the token"))?;
        bearer.set_sensitive(true);
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, bearer);
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        headers.insert(self.name.0, HeaderValue::from_str(&self.name.1).map_err(|_| malformed("the tunnel"))?);
        Ok(request)
    }
}

async fn secure(target: &Target, tcp: TcpStream) -> Result<impl Io + use<>, DialError> {
    let wrong = |error: rustls::Error| DialError::Tls(io::Error::other(error));
    let endpoint = &target.endpoint;
    let config = match endpoint.pin {
        Some(pin) => pinning(pin).map_err(wrong)?,
        None if target.by_authorities => trusting(endpoint.authorities.and_public()).map_err(wrong)?,
        None => target.trust.clone(),
    };
    let name = match &endpoint.url.authority.host {
        Host::Ip(ip) => ServerName::from(*ip),
        Host::Name(name) => ServerName::try_from(name.clone()).map_err(|error| DialError::Tls(io::Error::other(error)))?,
    };
    TlsConnector::from(config).connect(name, tcp).await.map_err(DialError::Tls)
}

fn refused(error: tungstenite::Error) -> DialError {
    match error {
        tungstenite::Error::Http(response) => from_response(&response),
        tungstenite::Error::Io(error) => DialError::Cut(error),
        tungstenite::Error::Protocol(ProtocolError::HandshakeIncomplete) => DialError::Cut(io::ErrorKind::UnexpectedEof.into()),
        other => DialError::Upgrade(other.to_string()),
    }
}

fn from_response(response: &Response<Option<Vec<u8>>>) -> DialError {
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let body = response.body().as_deref().unwrap_or_default();
    let printable = |c: char| !c.is_control();
    let reason = String::from_utf8_lossy(body).chars().filter(|c| printable(*c)).take(LONGEST_REASON).collect();
    DialError::Refused { status: response.status(), retry_after: retry_after.map(Duration::from_secs), reason }
}
