//! Several relays: which is dialled first, and what one of them asks is kept while another serves.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::chaos::{Chaos, End, Fate};
use super::program::{Program, Relay};
use super::site::Site;
use super::streams::{Moved, download};
use super::tools::wait_for;
use super::world::configuration;

/// Delays of the relays of the list, one way: far apart, since a busy machine adds its own.
const DELAYS: [u64; 3] = [150, 60, 0];

#[test]
fn both_ends_try_the_nearest_relay_first_and_the_next_nearest_takes_over() {
    let mut relays: Vec<Relay> = (0..3).map(|_| Relay::start()).collect();
    let chaos: Vec<Chaos> = relays.iter().map(|relay| Chaos::start(relay.address)).collect();
    for (chaos, delay) in chaos.iter().zip(DELAYS) {
        delay_both_ends(chaos, delay);
    }
    let named: Vec<_> = chaos.iter().zip(&relays).map(|(chaos, relay)| (chaos.address, relay.token.as_str())).collect();
    let (agent, site, moved) = (Program::start(&configuration("", &named)), Site::start(), Moved::default());
    let carried = |end| [0, 1, 2].map(|place: usize| chaos[place].carried(end));
    assert_eq!((carried(End::Agent), carried(End::Function)), ([0, 0, 1], [0, 0, 1]));
    let status = agent.status().expect("status");
    let rtt = |place: usize| status["relays"][place]["rtt_ms"].as_f64().expect("measured");
    assert!(rtt(0) > rtt(1) && rtt(1) > rtt(2), "{status}");
    assert!((0..3).all(|place| status["relays"][place]["state"] == "up"), "each has answered: {status}");

    let stream = download(agent.proxy(), &site, 2_000_000, 100_000, &moved);
    wait_for("the stream", || (moved.load(Ordering::Relaxed) > 0).then_some(()));
    relays[2].kill();
    let status = wait_for("a resume", || {
        let status = agent.status()?;
        (status["exits"][0]["resumes"].as_u64()? >= 1 && status["exits"][0]["paired"] == true).then_some(status)
    });
    assert_eq!(carried(End::Agent)[..2], [0, 1], "the next nearest, not the next of the list");
    let states: Vec<_> = (0..3).map(|place| status["relays"][place]["state"].as_str().expect("state")).collect();
    assert_eq!(states, ["up", "up", "down"]);
    let problem = &status["problems"][0];
    assert_eq!((&problem["code"], &problem["severity"]), (&"relay_unreachable".into(), &"warning".into()), "{status}");
    assert!(agent.command(&["rotate"]).status.success());
    assert_eq!(carried(End::Agent)[0], 0, "a new tunnel goes by the next nearest, too");
    site.hurry();
    stream.join().expect("the download");
    assert_eq!(site.connections(), 1);
}

#[test]
fn what_one_relay_asks_is_kept_while_the_others_are_tried() {
    let (full, asked) = a_full_relay();
    let relay = Relay::start();
    let chaos = Chaos::start(relay.address);
    // So that the full one is the nearest.
    delay_both_ends(&chaos, 60);
    let agent = Program::start(&configuration("", &[(full, &relay.token), (chaos.address, &relay.token)]));
    for _ in 0..2 {
        assert!(agent.command(&["rotate"]).status.success());
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1, "it asked to be left alone, whichever tunnel wants a leg");
    let status = agent.status().expect("status");
    assert_eq!((&status["relays"][0]["state"], &status["relays"][1]["state"]), (&"down".into(), &"up".into()), "{status}");
    let problem = &status["problems"][0];
    assert_eq!(problem["code"], "relay_refused", "{status}");
    assert!(problem["text"].as_str().expect("text").contains("429"), "{status}");
}

fn delay_both_ends(chaos: &Chaos, ms: u64) {
    chaos.set(End::Agent, Fate::Delay(Duration::from_millis(ms)));
    chaos.set(End::Function, Fate::Delay(Duration::from_millis(ms)));
}

/// A port that refuses every leg for a minute, and counts those of agents.
fn a_full_relay() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
    let (address, asked) = (listener.local_addr().expect("address"), Arc::new(AtomicUsize::new(0)));
    let counted = asked.clone();
    thread::spawn(move || {
        for mut leg in listener.incoming().flatten() {
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && leg.read(&mut byte).is_ok_and(|size| size == 1) {
                head.push(byte[0]);
            }
            counted.fetch_add(usize::from(head.starts_with(b"GET /v1/agent ")), Ordering::SeqCst);
            let _gone = leg.write_all(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n");
        }
    });
    (address, asked)
}
