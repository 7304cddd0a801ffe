//! Many idle tunnels: what each costs in memory, before and after traffic, and what they cost at rest.
//! `packaging/develop/pairs.sh` runs it with thousands, against a release build.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt, stream};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tunnel::instance::InstanceNonce;
use tunnel::leg::port::{Notice, sync};
use tunnel::ticket::Ticket;

use crate::support::{agent_request, function_request};
use crate::watched::{Figures, Target, Watched};

/// Pairs in a check; `AWSLAMBDAPROXY_PAIRS` says another number.
const PAIRS: usize = 300;
/// Legs that are opened at a time.
const AT_A_TIME: usize = 32;
/// What passes each way in the traffic: several times every buffer.
const TRAFFIC: usize = 512 * 1024;
/// One message of it.
const MESSAGE: usize = 32 * 1024;
/// The most that a pair may cost, KiB. The aim is 40; a check of few pairs on any machine has its margin.
const MOST_KIB: f64 = 60.0;
/// The most of a processor that may be used at rest, for each thousand pairs: 800 pings and answers a second.
const MOST_CPU: f64 = 0.25;
/// How long nothing happens but pings, of which each leg has one in the time.
const REST: Duration = Duration::from_secs(7);
/// Pairs that have traffic before anything is measured: then all is made that is made once.
const FIRST: usize = 2 * BUSY;
/// Pairs that have traffic at a time.
const BUSY: usize = 16;
/// Longest time that opening all of them, or their traffic, may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// Who may have traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    None,
    First,
    All,
}

type Socket = WebSocketStream<TlsStream<TcpStream>>;

#[tokio::test]
async fn idle_pairs_are_small_before_and_after_traffic() {
    let pairs = std::env::var("AWSLAMBDAPROXY_PAIRS").ok().and_then(|pairs| pairs.parse().ok()).unwrap_or(PAIRS);
    let legs = 2 * (pairs + FIRST);
    let limits = format!("connections = {legs}\nper_address = {legs}\nper_agent = {legs}\nwaiting = {legs}");
    let relay = Watched::start(&limits).await;
    let (go, may) = watch::channel(Group::None);
    let (done, mut all) = mpsc::channel(pairs);
    let common = Common { may, turns: Arc::new(Semaphore::new(2 * BUSY)), done };
    open_all(&relay.target, FIRST, Group::First, &common).await;
    gather(&mut all, FIRST).await;
    go.send(Group::First).expect("pairs");
    gather(&mut all, FIRST).await;
    sleep(REST).await;
    let used = relay.figures();
    open_all(&relay.target, pairs, Group::All, &common).await;
    gather(&mut all, pairs).await;
    let opened = relay.figures();
    sleep(REST).await;
    let idle = relay.figures();
    go.send(Group::All).expect("pairs");
    gather(&mut all, pairs).await;
    sleep(REST).await;
    let after = relay.figures();

    let each = |figures: Figures| (figures.memory_kib.saturating_sub(used.memory_kib) as f64) / pairs as f64;
    let cpu = (idle.cpu - opened.cpu).as_secs_f64() / REST.as_secs_f64();
    eprintln!(
        "{pairs} idle pairs over TLS: {:.1} KiB each, {:.1} KiB each after {} KiB both ways; {:.1} % of a processor at rest; \
         {} KiB in all",
        each(idle),
        each(after),
        TRAFFIC / 1024,
        cpu * 100.0,
        after.memory_kib,
    );
    assert!(each(idle) <= MOST_KIB && each(after) <= MOST_KIB, "a pair costs too much");
    assert!(cpu < MOST_CPU * (pairs as f64 / 1000.0).max(1.0), "rest costs too much");
}

async fn open_all(target: &Target, pairs: usize, group: Group, common: &Common) {
    let opening = stream::iter(0..pairs).for_each_concurrent(AT_A_TIME, |_| async {
        let ticket = Ticket::mint();
        let agent = agent_request(target.address, &target.token, &ticket.hash().to_string());
        let function = function_request(target.address, &ticket.to_hex(), &InstanceNonce::mint().to_string());
        let ((agent_has, function_got), (function_has, agent_got)) = (oneshot::channel(), oneshot::channel());
        live(leg(target, agent).await, group, common.clone(), agent_got, agent_has);
        live(leg(target, function).await, group, common.clone(), function_got, function_has);
    });
    timeout(PATIENCE, opening).await.expect("all of them in time");
}

/// Waits until both ends of so many pairs have told of something.
async fn gather(all: &mut mpsc::Receiver<()>, pairs: usize) {
    for _ in 0..2 * pairs {
        timeout(PATIENCE, all.recv()).await.expect("in time").expect("no pair was lost");
    }
}

/// One leg, with small buffers of its own.
async fn leg(target: &Target, request: Request) -> Socket {
    let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
    client_async_with_config(request, target.tls(1).await, Some(config)).await.expect("a leg").0
}

/// What a leg shares with others.
#[derive(Clone)]
struct Common {
    may: watch::Receiver<Group>,
    turns: Arc<Semaphore>,
    done: mpsc::Sender<()>,
}

/// Answers what the relay says; when it is time and its turn, sends its traffic until the peer has `got` it, and tells its own
/// peer with `has` when it has received as much. Tells when it is paired, and when its traffic is over.
fn live(socket: Socket, group: Group, mut common: Common, got: oneshot::Receiver<()>, has: oneshot::Sender<()>) {
    let (mut sink, mut stream) = socket.split();
    let (pairing, paired) = oneshot::channel();
    tokio::spawn(async move {
        sink.send(Message::text(sync(paired.await.expect("a pairing")))).await.expect("sent");
        common.done.send(()).await.expect("the test waits");
        common.may.wait_for(|may| *may >= group).await.expect("the test goes on");
        let turn = common.turns.acquire().await.expect("never closed");
        for _ in 0..TRAFFIC / MESSAGE {
            sink.send(Message::Binary(vec![7; MESSAGE].into())).await.expect("sent");
        }
        got.await.expect("all of it came");
        drop(turn);
        common.done.send(()).await.expect("the test waits");
        while common.may.changed().await.is_ok() {}
    });
    tokio::spawn(async move {
        let (mut pairing, mut has, mut received) = (Some(pairing), Some(has), 0);
        while let Some(Ok(message)) = stream.next().await {
            received += if message.is_binary() { message.len() } else { 0 };
            if received == TRAFFIC {
                has.take().map(|has| has.send(())).transpose().expect("the writer waits");
            }
            if let Some(Notice::Up { pairing: number }) = message.to_text().ok().and_then(Notice::parse) {
                pairing.take().map(|told| told.send(number)).transpose().expect("the writer waits");
            }
        }
    });
}
