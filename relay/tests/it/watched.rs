//! A relay of its own process whose memory, descriptors and processor time are watched, and a tunnel through it that must go
//! on whatever others do.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::http::StatusCode;
use tunnel::instance::InstanceNonce;
use tunnel::ticket::Ticket;

use crate::home::{Home, Running, parts};
use crate::support::{Leg, PATIENCE, agent_request, function_request, open};
use crate::tls::connect;

/// How long an honest round trip or dial may take meanwhile: an end gives up a dial after 3 s. It is a thousandth of that on
/// a machine that does nothing else.
const WORST: Duration = Duration::from_secs(3);
/// How much more memory an attack may cost: what the limits allow for connections that are half open, and buffers.
const MOST_MEMORY: u64 = 32 * 1024;
/// An honest end dials so often.
const DIAL_PACE: Duration = Duration::from_millis(40);

pub(crate) type TlsLeg = Leg<TlsStream<TcpStream>>;

/// Everything that a client needs to know of a relay.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) pin: String,
    pub(crate) token: String,
}

impl Target {
    /// A connection from this address of loopback.
    pub(crate) async fn tcp(&self, host: u8) -> TcpStream {
        let socket = TcpSocket::new_v4().expect("socket");
        socket.bind((Ipv4Addr::new(127, 0, 0, host), 0).into()).expect("an address of loopback");
        timeout(PATIENCE, socket.connect(self.address)).await.expect("in time").expect("connected")
    }

    pub(crate) async fn tls(&self, host: u8) -> TlsStream<TcpStream> {
        timeout(PATIENCE, Box::pin(connect(self.tcp(host).await, &self.pin))).await.expect("in time").expect("tls")
    }

    pub(crate) async fn agent(&self, host: u8, token: &str, ticket: &Ticket) -> Result<TlsLeg, StatusCode> {
        let request = agent_request(self.address, token, &ticket.hash().to_string());
        Box::pin(open(self.tls(host).await, request)).await
    }

    pub(crate) async fn function(&self, host: u8, ticket: &Ticket, instance: InstanceNonce) -> Result<TlsLeg, StatusCode> {
        let request = function_request(self.address, &ticket.to_hex(), &instance.to_string());
        Box::pin(open(self.tls(host).await, request)).await
    }

    /// Two legs of one tunnel that have both answered.
    pub(crate) async fn pair(&self, host: u8) -> (TlsLeg, TlsLeg) {
        let ticket = Ticket::mint();
        let mut agent = self.agent(host, &self.token, &ticket).await.expect("an agent's leg");
        let mut function = self.function(host, &ticket, InstanceNonce::mint()).await.expect("a function's leg");
        agent.synced().await;
        function.synced().await;
        (agent, function)
    }
}

/// What a process holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) memory_kib: u64,
    pub(crate) descriptors: usize,
    pub(crate) cpu: Duration,
}

/// The relay.
pub(crate) struct Watched {
    home: Home,
    running: Running,
    pub(crate) target: Target,
}

impl Watched {
    /// With these lines under `[limits]`.
    pub(crate) async fn start(limits: &str) -> Self {
        let home = Home::with(&format!(
            "listen = \"127.0.0.1:0\"\npublic_url = \"wss://127.0.0.1:443\"\n\
             [metrics]\nlisten = \"\"\n[tls]\nmode = \"self-signed\"\n[limits]\n{limits}\n"
        ));
        let (_, token, _, pin) = parts(&home.ok(&["agent", "add", "laptop"]).await);
        let running = Running::start(&home).await;
        let target = Target { address: running.address, pin: pin.expect("a pin"), token };
        Self { home, running, target }
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.running.child.id().expect("it runs")).expect("a pid")
    }

    pub(crate) fn log(&self) -> String {
        self.home.log()
    }

    pub(crate) fn figures(&self) -> Figures {
        let of_process = |name: &str| format!("/proc/{}/{name}", self.pid());
        let status = fs::read_to_string(of_process("status")).expect("it runs");
        let memory = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("memory");
        let stat = fs::read_to_string(of_process("stat")).expect("it runs");
        // After the name, which may hold anything: user and system time are the 12th and 13th field, in hundredths.
        let fields: Vec<_> = stat.rsplit(')').next().expect("fields").split_ascii_whitespace().collect();
        let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().expect("ticks")).sum();
        Figures {
            memory_kib: memory.trim_end_matches("kB").trim().parse().expect("kB"),
            descriptors: fs::read_dir(of_process("fd")).expect("it runs").count(),
            cpu: Duration::from_millis(ticks * 10),
        }
    }

    /// Runs an attack in a thread of its own. Meanwhile an honest tunnel from another address carries its bytes and honest
    /// agents dial; afterwards nothing is left of the attack.
    pub(crate) async fn withstands<A>(&self, name: &str, attack: impl FnOnce(Target) -> A + Send + 'static)
    where
        A: Future<Output = ()>,
    {
        let (mut agent, mut function) = Box::pin(self.target.pair(1)).await;
        round_trip(&mut agent, &mut function).await;
        let before = self.figures();
        let target = self.target.clone();
        let attacker = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
            runtime.block_on(attack(target));
        });
        let (mut trips, mut worst_dial, mut most) = (Vec::new(), Duration::ZERO, before);
        // At the same time: an end that reads its leg only after a dial would be one that does not live.
        let carrying = async {
            while !attacker.is_finished() || trips.is_empty() {
                trips.push(round_trip(&mut agent, &mut function).await);
                let now = self.figures();
                most.memory_kib = most.memory_kib.max(now.memory_kib);
                most.descriptors = most.descriptors.max(now.descriptors);
                sleep(Duration::from_millis(2)).await;
            }
        };
        let dialling = async {
            while !attacker.is_finished() || worst_dial.is_zero() {
                worst_dial = worst_dial.max(Box::pin(self.dial()).await);
                sleep(DIAL_PACE).await;
            }
        };
        tokio::join!(carrying, dialling);
        attacker.join().expect("the attack was answered as it should be");
        trips.sort();
        let (median, worst) = (trips[trips.len() / 2], trips[trips.len() - 1]);
        let memory = most.memory_kib.saturating_sub(before.memory_kib);
        eprintln!(
            "{name}: {} honest round trips, {median:.1?} median, {worst:.1?} at worst; dials {worst_dial:.1?} at worst; \
             memory +{memory} KiB, descriptors {} to {}",
            trips.len(),
            before.descriptors,
            most.descriptors,
        );
        assert!(worst < WORST && worst_dial < WORST, "{name}: honest tunnels are slow");
        assert!(memory < MOST_MEMORY, "{name}: memory grows");
        self.is_rid_of_it(name, before.descriptors).await;
    }

    async fn dial(&self) -> Duration {
        let begun = Instant::now();
        let mut leg = self.target.agent(1, &self.target.token, &Ticket::mint()).await.expect("an honest agent");
        let took = begun.elapsed();
        leg.close(1000).await;
        took
    }

    async fn is_rid_of_it(&self, name: &str, descriptors: usize) {
        let waiting = async {
            while self.figures().descriptors > descriptors {
                sleep(Duration::from_millis(20)).await;
            }
        };
        assert!(timeout(PATIENCE, waiting).await.is_ok(), "{name}: descriptors are left, {descriptors} to {:?}", self.figures());
    }
}

async fn round_trip(agent: &mut TlsLeg, function: &mut TlsLeg) -> Duration {
    let begun = Instant::now();
    agent.binary("there").await;
    assert_eq!(function.received_bytes(5).await, "there");
    function.binary("and back").await;
    assert_eq!(agent.received_bytes(8).await, "and back");
    begun.elapsed()
}
