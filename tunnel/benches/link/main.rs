//! What the link costs at full speed: the same session over a link and over bare legs, through the real relay, in turns.
//!
//! ```text
//! cargo bench -p tunnel --features testing --bench link [-- --mib 512 --runs 5]
//! ```
//! Prints the medians of throughput and CPU time (of both ends and the relay together), and their ratios. In turns, so that a
//! machine that drifts does so for both. Linux only, for `/proc/self/stat`.

#![allow(clippy::print_stdout, reason = "figures are what it is for")]

mod bare;
mod ends;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ends::Way;
use relay::agents::{Agents, Token};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What the relay knows the agent by.
pub const TOKEN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// How much is carried, and how often.
struct Options {
    bytes: u64,
    runs: usize,
}

/// One transfer.
#[derive(Clone, Copy)]
struct Figure {
    wall: Duration,
    cpu: Duration,
}

fn main() {
    // An error means that a provider was chosen before.
    let _chosen = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let options = Options::read();
    let relay = start_relay();
    for up in [false, true] {
        let mut figures = [Vec::new(), Vec::new()];
        for _ in 0..options.runs {
            for (way, of_way) in [Way::Link, Way::Bare].into_iter().zip(&mut figures) {
                of_way.push(measure(relay, way, up, options.bytes));
            }
        }
        report(if up { "up" } else { "down" }, &figures, options.bytes);
    }
}

impl Options {
    fn read() -> Self {
        let arguments: Vec<String> = std::env::args().collect();
        let number = |name: &str, default: u64| {
            let at = arguments.iter().position(|argument| argument == name);
            at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(default)
        };
        Self { bytes: number("--mib", 512) << 20, runs: usize::try_from(number("--runs", 5)).unwrap_or(5) }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime")
}

fn start_relay() -> SocketAddr {
    let (ready, is_ready) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        runtime().block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
            ready.send(listener.local_addr().expect("address")).expect("told");
            let agents = Agents::single("bench", &Token::presented(TOKEN)).expect("agent");
            let config = relay::server::Config::plain(agents);
            relay::server::run(listener, config, CancellationToken::new()).await.expect("relay");
        });
    });
    is_ready.recv().expect("the relay listens")
}

fn measure(relay: SocketAddr, way: Way, up: bool, bytes: u64) -> Figure {
    let (function, agent) = ends::of_one_tunnel(relay, way);
    let far = std::thread::spawn(move || runtime().block_on(function.serve(up, bytes)));
    let figure = runtime().block_on(async move {
        let mut stream = agent.open().await;
        let (cpu, begun) = (cpu(), Instant::now());
        stream.carry(up, bytes).await;
        let figure = Figure { wall: begun.elapsed(), cpu: self::cpu() - cpu };
        stream.close().await;
        figure
    });
    far.join().expect("the function's end");
    figure
}

fn report(direction: &str, figures: &[Vec<Figure>; 2], bytes: u64) {
    let gb = bytes as f64 / 1e9;
    let [link, bare] = figures;
    let wall = |of: &[Figure]| median(of.iter().map(|figure| figure.wall.as_secs_f64()));
    let cpu = |of: &[Figure]| median(of.iter().map(|figure| figure.cpu.as_secs_f64())) / gb;
    let ratio = median(link.iter().zip(bare).map(|(link, bare)| bare.wall.as_secs_f64() / link.wall.as_secs_f64()));
    println!(
        "{direction}: {:.0} MB/s with the link, {:.0} without: {ratio:.2} of the throughput; CPU-s/GB {:.2} and {:.2}: {:.2}",
        gb * 1e3 / wall(link),
        gb * 1e3 / wall(bare),
        cpu(link),
        cpu(bare),
        cpu(link) / cpu(bare)
    );
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// User and system time of this process, in ticks of 10 ms (proc(5)).
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("/proc");
    let fields: Vec<&str> = stat.rsplit_once(") ").expect("a name").1.split(' ').collect();
    let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().expect("ticks")).sum();
    Duration::from_millis(ticks * 10)
}
