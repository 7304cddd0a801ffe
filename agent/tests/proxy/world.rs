//! A proxy, its exits and a site, all in this process.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use agent::exits::{Config, ExitEntry, ExitId, Pool};
use agent::listener::{Listener, Shutdown};
use agent::proxy::Proxy;
use agent::proxy::auth::{Auth, Credentials};
use agent::routing::{Loops, Policy, Router, Rule, Via};
use bytes::Bytes;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tunnel::destination::{Destination, Host};
use tunnel::meter::Meter;
use tunnel::outcome::{ProxyError, Refusal};
use tunnel::session::server::{Incoming, Server};
use tunnel::splice::splice;
use tunnel::testing::session_pair;

/// Longer than anything here takes, and short enough that a hang is noticed.
const PATIENCE: Duration = Duration::from_secs(8);

/// Waits, but not for ever.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("it takes too long")
}

/// What a test may set.
pub(crate) struct Options {
    pub(crate) wait: Duration,
    pub(crate) rules: Vec<Rule>,
    pub(crate) credentials: bool,
    pub(crate) policy: Policy,
    pub(crate) exits_are_here: bool,
}

impl Default for Options {
    fn default() -> Self {
        let policy = Policy::RoundRobin;
        Self { wait: PATIENCE, rules: Vec::new(), credentials: false, policy, exits_are_here: false }
    }
}

/// A running proxy. Dropped, it ends.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) proxy: Arc<Proxy>,
    pub(crate) shutdown: Shutdown,
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.stop.cancel();
        self.shutdown.cut.cancel();
    }
}

impl World {
    /// A proxy without exits.
    pub(crate) async fn without_exits(options: Options) -> Self {
        let listener = Listener::bind(&["127.0.0.1:0".parse().expect("address")]).await.expect("bind");
        let addresses = listener.addresses().expect("addresses");
        let credentials = Credentials { username: "user".into(), password: SecretString::from("secret") };
        let auth = Auth::new(options.credentials.then_some(&credentials));
        let router = Router::new(options.rules, Loops::new(addresses.clone()), options.exits_are_here);
        let regions = ["here", "there", "a", "b"].map(str::to_owned).to_vec();
        let pool = Pool::new(Config { regions, policy: options.policy, wait: options.wait });
        let (proxy, shutdown) = (Arc::new(Proxy::new(auth, router, pool)), Shutdown::default());
        tokio::spawn(listener.run(proxy.clone(), shutdown.clone()));
        Self { address: addresses[0], proxy, shutdown }
    }

    /// A proxy with one exit.
    pub(crate) async fn with_exit() -> Self {
        Self::with_exit_and(Options::default()).await
    }

    pub(crate) async fn with_exit_and(options: Options) -> Self {
        let world = Self::without_exits(options).await;
        world.add_exit("one", "here", Manner::Connects).await;
        world
    }

    /// Adds an exit; it ends with the handle's last sender, or when told to.
    pub(crate) async fn add_exit(&self, id: &str, region: &str, manner: Manner) -> ExitHandle {
        let (opener, driver, server) = session_pair().await;
        tokio::spawn(driver);
        let (orders, received) = mpsc::channel(4);
        let (asked, seen) = mpsc::unbounded_channel();
        tokio::spawn(run_exit(server, manner, received, asked));
        let id = ExitId::from(id);
        self.proxy.pool.add(ExitEntry { id: id.clone(), region: region.into(), opener });
        ExitHandle { id, orders, seen }
    }

    pub(crate) async fn connect(&self) -> Peer {
        Peer(TcpStream::connect(self.address).await.expect("connect"))
    }

    /// Connects and sends `request`.
    pub(crate) async fn ask(&self, request: impl AsRef<[u8]>) -> Peer {
        let mut client = self.connect().await;
        client.send(request).await;
        client
    }
}

/// How an exit takes streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Connects to loopback: every name below `.test` is there, but for those that are named after an error.
    Connects,
    /// Refuses everything with this.
    Refuses(ProxyError),
    /// Answers nothing, as when the tunnel to it is interrupted.
    Silent,
}

/// Tells an exit what to do, and what it was asked.
pub(crate) struct ExitHandle {
    pub(crate) id: ExitId,
    orders: mpsc::Sender<Order>,
    pub(crate) seen: mpsc::UnboundedReceiver<String>,
}

enum Order {
    GoAway(oneshot::Sender<()>),
    Die,
}

impl ExitHandle {
    /// Sends GOAWAY: it arrives before anything else that the exit sends from now on.
    pub(crate) async fn go_away(&self) {
        let (done, heard) = oneshot::channel();
        self.orders.send(Order::GoAway(done)).await.expect("the exit lives");
        heard.await.expect("the exit lives");
    }

    /// Loses the tunnel.
    pub(crate) async fn die(&self) {
        self.orders.send(Order::Die).await.expect("the exit lives");
        self.orders.closed().await;
    }

    pub(crate) fn asked(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.seen.try_recv().ok()).collect()
    }
}

async fn run_exit(
    mut server: Server<DuplexStream>,
    manner: Manner,
    mut orders: mpsc::Receiver<Order>,
    asked: mpsc::UnboundedSender<String>,
) {
    let mut handle_lives = true;
    loop {
        tokio::select! {
            incoming = server.next() => match incoming {
                Some(Ok(incoming)) => {
                    let _test_over = asked.send(incoming.authority().to_owned());
                    tokio::spawn(take(incoming, manner));
                }
                _ => return,
            },
            order = orders.recv(), if handle_lives => match order {
                Some(Order::GoAway(done)) => {
                    server.graceful_shutdown();
                    let _test_over = done.send(());
                }
                Some(Order::Die) => return,
                None => handle_lives = false,
            },
        }
    }
}

async fn take(mut incoming: Incoming, manner: Manner) {
    let destination: Destination = incoming.authority().parse().expect("authority");
    let error = match manner {
        Manner::Refuses(error) => Some(error),
        Manner::Connects => error_named(&destination.host),
        Manner::Silent => return incoming.cancelled().await,
    };
    if let Some(error) = error {
        return incoming.refuse(&Refusal::new(error, "as the test says"));
    }
    match TcpStream::connect(("127.0.0.1", destination.port)).await {
        Ok(tcp) => {
            let stream = incoming.accept().expect("accept");
            splice(tcp, Bytes::new(), stream, &Meter::new()).await;
        }
        Err(error) => incoming.fail(ProxyError::ConnectionRefused, error),
    }
}

/// `dns_error.test` fails so; an IPv6 literal has no route.
fn error_named(host: &Host) -> Option<ProxyError> {
    match host {
        Host::Name(name) => ProxyError::ALL.into_iter().find(|error| name.strip_suffix(".test") == Some(error.token())),
        Host::Ip(ip) if ip.is_ipv6() => Some(ProxyError::DestinationIpUnroutable),
        Host::Ip(_) => None,
    }
}

/// A listening site.
pub(crate) struct Site(TcpListener);

impl Site {
    pub(crate) async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.expect("bind"))
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.local_addr().expect("address").port()
    }

    /// `site.test:PORT`: a name that only the exit knows.
    pub(crate) fn authority(&self) -> String {
        format!("site.test:{}", self.port())
    }

    pub(crate) async fn accept(&self) -> Peer {
        Peer(within(self.0.accept()).await.expect("accept").0)
    }

    /// Whether nobody has connected.
    pub(crate) async fn is_left_alone(&self) -> bool {
        tokio::select! {
            biased;
            _accepted = self.0.accept() => false,
            () = tokio::task::yield_now() => true,
        }
    }
}

/// One end of a raw TCP connection.
pub(crate) struct Peer(pub(crate) TcpStream);

impl Peer {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        within(self.0.write_all(bytes.as_ref())).await.expect("write");
    }

    pub(crate) async fn finish(&mut self) {
        self.0.shutdown().await.expect("shutdown");
    }

    /// Makes the drop a reset.
    pub(crate) fn reset(self) {
        tunnel::splice::reset_on_close(&self.0);
    }

    /// Reads up to and including `end`.
    pub(crate) async fn until(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        while !read.ends_with(end.as_bytes()) {
            let byte = within(self.0.read_u8()).await;
            read.push(byte.unwrap_or_else(|error| unreachable!("{error} after {}", read.escape_ascii())));
        }
        String::from_utf8(read).expect("text")
    }

    /// Reads a head.
    pub(crate) async fn head(&mut self) -> String {
        self.until("\r\n\r\n").await
    }

    /// Reads exactly what is expected.
    pub(crate) async fn expect(&mut self, text: &str) {
        let mut read = vec![0; text.len()];
        within(self.0.read_exact(&mut read)).await.expect("read");
        assert_eq!(String::from_utf8_lossy(&read), text);
    }

    /// Reads to a clean end.
    pub(crate) async fn until_end(&mut self) -> String {
        let mut read = Vec::new();
        within(self.0.read_to_end(&mut read)).await.expect("a clean end");
        String::from_utf8_lossy(&read).into_owned()
    }

    /// Reads to a reset.
    pub(crate) async fn until_reset(&mut self) {
        let mut read = Vec::new();
        let error = within(self.0.read_to_end(&mut read)).await.expect_err("a reset");
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }

    /// Reads to whatever end.
    pub(crate) async fn until_closed(&mut self) -> String {
        let mut read = Vec::new();
        let _some_end = within(self.0.read_to_end(&mut read)).await;
        String::from_utf8_lossy(&read).into_owned()
    }
}

/// A rule for one host on all ports.
pub(crate) fn rule(host: &str, via: Via) -> Rule {
    Rule { hosts: vec![host.parse().expect("pattern")], ports: Vec::new(), via }
}
