//! All regions down: the client is told so, and not one packet goes another way.

use std::collections::HashSet;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::processes::{children, sockets};
use super::program::{BASE, Program, Relay};
use super::tools::{curl, curl_text, wait_for};

/// A door before the relay: open, it passes TCP on; shut, it ends all that pass and whoever comes.
struct Door {
    address: SocketAddr,
    is_open: Arc<AtomicBool>,
    inside: Arc<Mutex<Vec<TcpStream>>>,
}

impl Door {
    fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
        let address = listener.local_addr().expect("address");
        let door = Self { address, is_open: Arc::new(AtomicBool::new(true)), inside: Arc::default() };
        let (is_open, inside) = (Arc::clone(&door.is_open), Arc::clone(&door.inside));
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(target) else { return };
                let mut inside = inside.lock().expect("streams");
                if !is_open.load(Ordering::SeqCst) {
                    continue;
                }
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (mut from, mut to) = (from.try_clone().expect("clone"), to.try_clone().expect("clone"));
                    inside.push(from.try_clone().expect("clone"));
                    thread::spawn(move || {
                        let _ended = std::io::copy(&mut from, &mut to);
                        let _gone = to.shutdown(Shutdown::Both);
                    });
                }
            }
        });
        door
    }

    fn shut(&self) {
        let mut inside = self.inside.lock().expect("streams");
        self.is_open.store(false, Ordering::SeqCst);
        for stream in inside.drain(..) {
            let _gone = stream.shutdown(Shutdown::Both);
        }
    }

    fn open(&self) {
        self.is_open.store(true, Ordering::SeqCst);
    }
}

#[test]
fn with_all_regions_down_clients_get_503_nothing_goes_direct_and_it_recovers() {
    let relay = Relay::start();
    let door = Door::before(relay.address);
    let relays = format!("[relay]\nurl = \"ws://{}\"\ntoken = \"{}\"\n", door.address, relay.token);
    let base = BASE.replace("[egress]", "wait = \"1s\"\n[egress]");
    let agent = Program::start(&format!("{base}grace = \"5s\"\n{relays}"));
    let site = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("site");
    site.set_nonblocking(true).expect("option");
    let url = format!("http://localhost:{}/", site.local_addr().expect("address").port());
    let (proxy, lambda) = (agent.proxy(), lambda(&agent));

    let watch = Watch::on(agent.process.id());
    door.shut();
    wait_for("an agent that is down", || (agent.status()?["health"] == "down").then_some(()));
    for how in [&[][..], &["-p"]] {
        let output = curl(&[&["-x", &agent.url(), "-o", "/dev/null", "-D", "-", &url][..], how].concat());
        let head = String::from_utf8_lossy(&output.stdout).to_lowercase();
        assert!(head.starts_with("http/1.1 503"), "{how:?}: {head}");
        assert!(head.contains("retry-after:") && head.contains("error=destination_unavailable"), "{head}");
    }
    let refused = curl(&["-x", &format!("socks5h://{proxy}"), &url]);
    let talk = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(97) && talk.contains("(1)"), "{talk}");
    let seen = watch.end();
    assert!(site.accept().is_err(), "a request went to the site by another way");

    let allowed = |remote: &SocketAddr| *remote == door.address || lambda.contains(remote);
    for socket in &seen {
        assert!(socket.is_tcp, "the agent asked for a name or spoke UDP: {socket:?}");
        let is_clients = socket.local == proxy;
        assert!(socket.is_listening || is_clients || allowed(&socket.remote), "{socket:?}");
    }
    assert!(seen.iter().any(|socket| socket.local == proxy && !socket.is_listening), "the watch saw the clients");
    assert!(seen.iter().any(|socket| socket.remote == door.address), "and the legs to the relay");

    door.open();
    agent.wait_until_healthy();
    let site = super::site::Site::start();
    assert!(curl_text(&["-x", &agent.url(), &site.url("/echo")]).starts_with("GET /echo"));
}

#[test]
fn a_rotation_that_no_relay_allows_fails_soon_and_says_why() {
    let mut relay = Relay::start();
    let relays = format!("[relay]\nurl = \"ws://{}\"\ntoken = \"{}\"\n", relay.address, relay.token);
    let agent = Program::start(&format!("regions = [\"a\", \"b\"]\n{BASE}{relays}"));
    relay.kill();
    let asked = Instant::now();
    let rotated = agent.desktop.run(&["rotate"]);
    // 90 s is what a rotation may take that only waits.
    assert!(asked.elapsed() < Duration::from_secs(60), "{:?}", asked.elapsed());
    assert_eq!((rotated.code, rotated.stdout.as_str()), (Some(5), ""), "{rotated:?}");
    for region in ["a", "b"] {
        assert!(rotated.stderr.contains(&format!("{region}: the relay ws://{}: ", relay.address)), "{rotated:?}");
    }
    assert!(rotated.stderr.contains("; check relay.url, the network and that the relay runs"), "{rotated:?}");
}

/// Where the agent's local Lambda listens.
fn lambda(agent: &Program) -> HashSet<SocketAddr> {
    let lambdas = children(agent.process.id(), "local-lambda");
    lambdas.into_iter().flat_map(sockets).filter(|socket| socket.is_listening).map(|socket| socket.local).collect()
}

/// Looks at a process's sockets all the time.
struct Watch {
    is_over: Arc<AtomicBool>,
    watching: thread::JoinHandle<HashSet<super::processes::Socket>>,
}

impl Watch {
    fn on(pid: u32) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        // The first look is before anything happens: it sees the legs that stand.
        let mut seen: HashSet<_> = sockets(pid).into_iter().collect();
        let watching = thread::spawn(move || {
            while !over.load(Ordering::SeqCst) {
                seen.extend(sockets(pid));
                thread::sleep(Duration::from_millis(2));
            }
            seen
        });
        Self { is_over, watching }
    }

    fn end(self) -> HashSet<super::processes::Socket> {
        self.is_over.store(true, Ordering::SeqCst);
        self.watching.join().expect("the watch")
    }
}
