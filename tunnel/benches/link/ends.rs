//! The two ends of a tunnel, over a link or over bare legs.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tunnel::identity::{Identity, PublicKey};
use tunnel::instance::InstanceNonce;
use tunnel::invitation::RelayEndpoint;
use tunnel::leg::authorities::Authorities;
use tunnel::leg::dial::{AgentRelay, Dialer};
use tunnel::leg::known::Known;
use tunnel::leg::tls::{public_roots, trusting};
use tunnel::link::{LinkConfig, LinkHandle, open};
use tunnel::session::{client, server};
use tunnel::stream::TunnelStream;
use tunnel::ticket::Ticket;

use crate::TOKEN;
use crate::bare::{Bare, Leg};

/// What is under the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Link,
    Bare,
}

/// What is written at once.
const PIECE: usize = 64 * 1024;

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Either end, not yet dialled.
struct End {
    relay: SocketAddr,
    way: Way,
    ticket: Ticket,
    own: Identity,
    peer: PublicKey,
}

pub(crate) struct FunctionEnd(End);
pub(crate) struct AgentEnd(End);

/// An open stream, and what keeps it moving.
pub(crate) struct OpenStream {
    stream: TunnelStream,
    _opener: client::Opener,
    _driver: tokio_util::task::AbortOnDropHandle<()>,
    link: Option<LinkHandle>,
}

pub(crate) fn of_one_tunnel(relay: SocketAddr, way: Way) -> (FunctionEnd, AgentEnd) {
    let (ticket, agent, function) = (Ticket::mint(), Identity::mint(), Identity::mint());
    let (of_agent, of_function) = (agent.public().clone(), function.public().clone());
    let end = |own, peer| End { relay, way, ticket: ticket.clone(), own, peer };
    (FunctionEnd(end(function, of_agent)), AgentEnd(end(agent, of_function)))
}

impl End {
    fn endpoint(&self) -> RelayEndpoint {
        let url = format!("ws://{}", self.relay).parse().expect("url");
        RelayEndpoint { url, pin: None, authorities: Authorities::default() }
    }

    fn link(&self, dialer: Dialer) -> (Box<dyn Io>, Option<LinkHandle>) {
        let config = LinkConfig { id: self.ticket.hash().prefix(), dialer, grace: Duration::from_secs(30) };
        let (stream, handle) = open(config);
        (Box::new(stream), Some(handle))
    }
}

impl FunctionEnd {
    async fn way(&self) -> (Box<dyn Io>, Option<LinkHandle>) {
        let (End { ticket, .. }, instance) = (&self.0, InstanceNonce::mint());
        let trust = trusting(public_roots()).expect("TLS");
        match self.0.way {
            Way::Link => self.0.link(Dialer::for_function(&[self.0.endpoint()], ticket, instance, &trust)),
            Way::Bare => (Box::new(Bare::dial(self.0.relay, Leg::Function(ticket, instance)).await), None),
        }
    }

    /// Serves one stream to its end.
    pub(crate) async fn serve(self, up: bool, bytes: u64) {
        let (io, _link) = self.way().await;
        let mut server = server::accept(io, &self.0.own, &self.0.peer).await.expect("a session");
        let mut stream = server.next().await.expect("a request").expect("sound").accept().expect("accepted");
        let carrying = async move {
            carry(&mut stream, !up, bytes).await;
            // The other end closes.
            let _end = stream.read_u8().await;
        };
        tokio::select! {
            () = carrying => {}
            () = async { while server.next().await.is_some_and(|next| next.is_ok()) {} } => {}
        }
    }
}

impl AgentEnd {
    async fn way(&self) -> (Box<dyn Io>, Option<LinkHandle>) {
        let hash = self.0.ticket.hash();
        if self.0.way == Way::Bare {
            return (Box::new(Bare::dial(self.0.relay, Leg::Agent(hash)).await), None);
        }
        let relay = AgentRelay {
            endpoint: self.0.endpoint(),
            token: TOKEN.to_owned().into(),
            trust: trusting(public_roots()).expect("TLS"),
            proxy: None,
            known: Known::default(),
        };
        self.0.link(Dialer::for_agent(&[relay], hash))
    }

    pub(crate) async fn open(self) -> OpenStream {
        let (io, link) = self.way().await;
        let (opener, mut driver) = client::connect(io, &self.0.own, &self.0.peer).await.expect("a session");
        let driving = tokio::spawn(async move {
            let _end = driver.ended().await;
        });
        let stream = opener.open("site.example:1").await.expect("a stream");
        OpenStream { stream, _opener: opener, _driver: tokio_util::task::AbortOnDropHandle::new(driving), link }
    }
}

impl OpenStream {
    pub(crate) async fn carry(&mut self, up: bool, bytes: u64) {
        carry(&mut self.stream, up, bytes).await;
    }

    /// Tells the other end that there is no more: a link whose peer is only gone waits for it.
    pub(crate) async fn close(self) {
        if let Some(link) = self.link {
            link.close();
            let _in_time = tokio::time::timeout(Duration::from_secs(5), link.ended()).await;
        }
    }
}

async fn carry(stream: &mut TunnelStream, writes: bool, bytes: u64) {
    if writes {
        write(stream, bytes).await;
    } else {
        read(stream, bytes).await;
    }
}

/// The last byte that is written is read before this returns, by the acknowledgement that the reader sends.
async fn write(stream: &mut TunnelStream, bytes: u64) {
    let piece = vec![7; PIECE];
    let mut left = bytes;
    while left > 0 {
        let size = left.min(PIECE as u64) as usize;
        stream.write_all(&piece[..size]).await.expect("write");
        left -= size as u64;
    }
    stream.flush().await.expect("flush");
    assert_eq!(stream.read_u8().await.expect("the reader's word"), b'.');
}

async fn read(stream: &mut TunnelStream, bytes: u64) {
    let mut buffer = vec![0; PIECE];
    let mut left = bytes;
    while left > 0 {
        let size = stream.read(&mut buffer).await.expect("read");
        assert_ne!(size, 0, "cut off");
        left -= size as u64;
    }
    stream.write_all(b".").await.expect("write");
    stream.flush().await.expect("flush");
}
