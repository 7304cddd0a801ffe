//! Thousands of connections, and what they leave behind.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Barrier;
use std::thread;

use super::nginx::Nginx;
use super::processes::{Holdings, descendants, holdings};
use super::program::{BASE, Program};
use super::tools::{PATIENCE, connect_through, noise, soak, wait_for};

const AT_ONCE: usize = 200;

/// Rounds of [`AT_ONCE`]: 5,000 connections in all.
const ROUNDS: u32 = 25;

/// Bytes of what is loaded.
const SIZE: usize = 50_000;

/// Descriptors that may have come to stay: one for a second look at the resolver's files, say.
const MORE_DESCRIPTORS: usize = 4;

/// Memory that an allocator may keep for itself, kB, beyond half as much again.
const MORE_MEMORY_KB: u64 = 16 * 1024;

#[test]
fn five_thousand_connections_leave_nothing_behind() {
    let (nginx, agent) = (Nginx::start(), Program::start(BASE));
    noise(&nginx.root().join("piece"), SIZE as u64);
    let world = World { proxy: agent.proxy(), site: SocketAddr::from((Ipv4Addr::LOCALHOST, nginx.http)) };
    let fresh = family(&agent);
    assert!(fresh.len() >= 5, "agent, relay, Lambda and functions: {fresh:?}");
    world.round();
    let warm =
        wait_until(&agent, "descriptors and threads are back", |pid, now| fresh.get(pid).is_none_or(|then| is_back(now, then)));
    for _ in 1..ROUNDS * soak() {
        world.round();
    }
    wait_until(&agent, "descriptors and threads are back", |pid, now| fresh.get(pid).is_none_or(|then| is_back(now, then)));
    // The first round has filled buffers that stay; the others must not add to them.
    wait_until(&agent, "memory is back", |pid, now| {
        warm.get(pid).is_none_or(|then| now.resident_kb <= then.resident_kb * 3 / 2 + MORE_MEMORY_KB)
    });
    let status = agent.status().expect("status");
    let opened = status["totals"]["streams_opened"].as_u64().expect("a number");
    assert!(opened >= u64::from(ROUNDS) * AT_ONCE as u64, "{status:#}");
    assert_eq!(status["totals"]["streams_failed"], 0);
}

/// Everything that runs for an agent, with what it holds.
fn family(agent: &Program) -> HashMap<u32, Holdings> {
    let pid = agent.process.id();
    let pids = descendants(pid).into_iter().chain([pid]);
    pids.filter_map(|pid| Some((pid, holdings(pid)?))).collect()
}

fn is_back(now: &Holdings, then: &Holdings) -> bool {
    now.descriptors <= then.descriptors + MORE_DESCRIPTORS && now.threads <= then.threads + 1
}

/// Waits until this is true of every process, with no stream open.
fn wait_until(agent: &Program, what: &str, is_so: impl Fn(&u32, &Holdings) -> bool) -> HashMap<u32, Holdings> {
    wait_for("the end of all streams", || (agent.status()?["totals"]["streams_open"] == 0).then_some(()));
    let now = wait_for(what, || {
        let now = family(agent);
        now.iter().all(|(pid, now)| is_so(pid, now)).then_some(now)
    });
    eprintln!("{what}: {now:?}");
    now
}

#[derive(Clone, Copy)]
struct World {
    proxy: SocketAddr,
    site: SocketAddr,
}

impl World {
    /// So many connections that all stand before the first one asks for anything.
    fn round(self) {
        let barrier = Barrier::new(AT_ONCE);
        thread::scope(|scope| {
            for number in 0..AT_ONCE {
                let barrier = &barrier;
                scope.spawn(move || {
                    let stream = if number % 2 == 0 { connect_through(self.proxy, self.site) } else { self.connect_by_socks() };
                    barrier.wait();
                    self.load(stream, number % 10 == 0);
                });
            }
        });
    }

    /// Loads the piece; who is impatient goes amid it.
    fn load(self, mut stream: TcpStream, is_impatient: bool) {
        write!(stream, "GET /piece HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.site).expect("write");
        let mut answer = vec![0; 100];
        stream.read_exact(&mut answer).expect("a beginning");
        if !is_impatient {
            stream.read_to_end(&mut answer).expect("the rest");
            assert!(answer.starts_with(b"HTTP/1.1 200") && answer.len() > SIZE, "{}", answer.len());
        }
    }

    fn connect_by_socks(self) -> TcpStream {
        let mut stream = TcpStream::connect(self.proxy).expect("proxy");
        stream.set_read_timeout(Some(PATIENCE)).expect("option");
        let mut request = b"\x05\x01\x00\x05\x01\x00\x03\x09localhost".to_vec();
        request.extend(self.site.port().to_be_bytes());
        stream.write_all(&request).expect("write");
        let mut reply = [0; 12];
        stream.read_exact(&mut reply).expect("reply");
        assert_eq!(reply[..4], [5, 0, 5, 0], "{reply:?}");
        stream
    }
}
