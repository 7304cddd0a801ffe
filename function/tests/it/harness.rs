//! An exit with an agent at the other end of a pipe.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use function::connect::{Connector, Resolver, system};
use function::deadline::{Times, UnixMs};
use function::exit::{Exit, Invocation, Line, Terms};
use function::policy::Policy;
use tokio::io::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tunnel::answer::{Outcome, Phases};
use tunnel::control::{self, FromAgent, FromFunction, Reader};
use tunnel::identity::Identity;
use tunnel::instance::InstanceNonce;
use tunnel::invitation::Egress;
use tunnel::link::LinkStatus;
use tunnel::session::SessionError;
use tunnel::session::client::{self, Opener};
use tunnel::stream::TunnelStream;

use crate::pipe::Pipe;

/// The state of a pipe that stands in for a link.
struct Status(watch::Receiver<LinkStatus>);

impl Line for Status {
    fn status(&self) -> watch::Receiver<LinkStatus> {
        self.0.clone()
    }

    async fn acknowledged(&self, _limit: Duration) -> bool {
        true
    }
}

/// An exit and the agent's end of its tunnel.
pub(crate) struct Tunnel {
    pub(crate) exit: Exit,
    pub(crate) nonce: InstanceNonce,
    pub(crate) opener: Opener,
    pub(crate) driver: JoinHandle<Result<(), SessionError>>,
    pub(crate) answer: oneshot::Receiver<Outcome>,
    link: Option<watch::Sender<LinkStatus>>,
}

impl Tunnel {
    /// Sets whether the tunnel is paired.
    pub(crate) fn pair(&self, paired: bool) {
        let link = self.link.as_ref().expect("the link has not ended");
        link.send_modify(|status| status.paired = paired);
    }

    /// The answer to the invocation. The link ends with the session that it carries.
    pub(crate) async fn answered(mut self) -> Outcome {
        self.link = None;
        self.answer.await.expect("an answer")
    }

    /// The control stream, after its hello.
    pub(crate) async fn control(&self) -> Control {
        let stream = self.opener.open(control::AUTHORITY).await.expect("the control stream");
        let (reader, writer) = tokio::io::split(stream);
        let mut control = Control { reader: Reader::new(reader), writer };
        let phases = control.expect_hello(self.nonce).await.expect("how the tunnel began");
        assert!(phases.paired.is_some() && phases.paired <= phases.tls, "{phases:?}");
        control
    }
}

/// The agent's side of a control stream.
pub(crate) struct Control {
    reader: Reader<ReadHalf<TunnelStream>>,
    writer: WriteHalf<TunnelStream>,
}

impl Control {
    pub(crate) async fn order(&mut self, order: FromAgent) {
        control::write(&mut self.writer, &order).await.expect("the order leaves");
    }

    pub(crate) async fn hear(&mut self) -> Option<FromFunction> {
        self.reader.next().await.expect("a sound control stream")
    }

    /// Hears `hello`; what it tells of the tunnel's beginning.
    pub(crate) async fn expect_hello(&mut self, me: InstanceNonce) -> Option<Phases> {
        match self.hear().await {
            Some(FromFunction::Hello { nonce, generation: 5, version, phases }) if nonce == me && version == "0.0.0" => phases,
            other => unreachable!("not this instance's hello: {other:?}"),
        }
    }
}

/// `allow` may lift loopback; the port that is always banned there is 1.
pub(crate) fn connector(allow: &[&str]) -> Connector {
    let egress = Egress {
        allow: allow.iter().map(|net| net.parse().expect("net")).collect(),
        deny_ports: vec![25],
        never: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 1))],
    };
    Connector::new(Policy::new(&egress, &[], system::is_own), Resolver::system(), None)
}

/// An invocation whose `ending` comes after the first and whose end after both durations.
pub(crate) fn times(until_ending: Duration, then: Duration) -> Times {
    let ending = UnixMs::now().plus(until_ending);
    let stop = ending.plus(then);
    Times { ending, stop, deadline: stop }
}

/// Far from its end.
pub(crate) fn long() -> Times {
    times(Duration::from_secs(60), Duration::from_secs(10))
}

/// An exit whose agent has not come yet.
pub(crate) struct Begun {
    pub(crate) exit: Exit,
    pub(crate) nonce: InstanceNonce,
    pub(crate) answer: oneshot::Receiver<Outcome>,
    /// The agent's end of the link.
    pub(crate) near: Pipe,
    pub(crate) agent: Identity,
    pub(crate) function: Identity,
    link: watch::Sender<LinkStatus>,
}

/// Begins an exit.
pub(crate) fn begin(connector: Connector, times: Times) -> Begun {
    let (agent, function, nonce) = (Identity::mint(), Identity::mint(), InstanceNonce::mint());
    let (near, far) = Pipe::pair();
    let (link, status) = watch::channel(LinkStatus { leg: Some(0), paired: true, ..LinkStatus::default() });
    let terms = Terms {
        agent: InstanceNonce::mint(),
        grace: Duration::from_secs(90),
        identity: function.clone(),
        agent_key: agent.public().clone(),
        hello: FromFunction::Hello { nonce, generation: 5, version: "0.0.0".into(), phases: None },
        connector,
    };
    let (invocation, answer) = Invocation::new(times);
    let exit = Exit::begin(far, Status(status), terms, invocation);
    Begun { exit, nonce, answer, near, agent, function, link }
}

/// An exit that may connect to loopback.
pub(crate) async fn tunnel(times: Times) -> Tunnel {
    tunnel_with(connector(&["127.0.0.0/8"]), times).await
}

pub(crate) async fn tunnel_with(connector: Connector, times: Times) -> Tunnel {
    let Begun { exit, nonce, answer, near, agent, function, link } = begin(connector, times);
    let (opener, driver) = client::connect(near, &agent, function.public()).await.expect("the agent's end");
    Tunnel { exit, nonce, opener, driver: tokio::spawn(driver), answer, link: Some(link) }
}

/// A site on loopback, and its authority.
pub(crate) async fn site() -> (TcpListener, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bind");
    let authority = listener.local_addr().expect("bound").to_string();
    (listener, authority)
}

/// A port on which nobody listens, as long as its socket lives, and its authority.
pub(crate) fn closed() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("bind");
    let authority = socket.local_addr().expect("bound").to_string();
    (socket, authority)
}
