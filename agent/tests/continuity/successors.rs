//! The relay is replaced, in good order and without any, and nobody notices more than a pause.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::program::{BASE, Program};
use super::relay_program::RelayProgram;
use super::site::Site;
use super::streams::{Moved, download};
use super::tools::wait_for;

const DOWNLOADS: usize = 50;
/// Large enough to last at this rate until all is over.
const SIZE: u64 = 2_000_000;
const RATE: u64 = 20_000;
/// How often the downloads are looked at.
const LOOK: Duration = Duration::from_millis(5);

#[test]
fn fifty_downloads_outlive_a_relay_that_hands_over_and_one_that_is_killed() {
    let mut relay = RelayProgram::start();
    let configuration = format!("regions = [\"only\"]\nfrequency = \"never\"\n{BASE}{}", relay.section());
    let (agent, site, moved) = (Program::start(&configuration), Site::start(), Moved::default());
    let proxy = agent.proxy();
    let downloads: Vec<_> = (0..DOWNLOADS).map(|_| download(proxy, &site, SIZE, RATE, &moved)).collect();
    wait_for("fifty streams", || (agent.status()?["totals"]["streams_open"] == DOWNLOADS).then_some(()));
    flows("at first", &moved);

    let pause = Pause::watch(&moved);
    assert!(relay.hand_over().success());
    flows("after a hand-over", &moved);
    eprintln!("handed over: nothing came for {} ms", pause.longest().as_millis());

    let pause = Pause::watch(&moved);
    relay.kill_and_restart();
    flows("after kill -9", &moved);
    eprintln!("killed and restarted: nothing came for {} ms", pause.longest().as_millis());

    assert!(downloads.iter().all(|download| !download.is_finished()), "every download lasted through both");
    site.hurry();
    downloads.into_iter().for_each(|download| download.join().expect("a whole download"));
    assert_eq!(site.connections(), DOWNLOADS);
}

/// Waits until more has come than could have been on its way already.
fn flows(when: &str, moved: &Moved) {
    let enough = moved.load(Ordering::Relaxed) + 2 * RATE * DOWNLOADS as u64;
    wait_for(&format!("bytes to flow {when}"), || (moved.load(Ordering::Relaxed) > enough).then_some(()));
}

/// Measures the longest time in which no byte of any download came.
struct Pause {
    done: Arc<AtomicBool>,
    watching: JoinHandle<Duration>,
}

impl Pause {
    fn watch(moved: &Moved) -> Self {
        let (moved, done) = (moved.clone(), Arc::new(AtomicBool::new(false)));
        let is_done = done.clone();
        let watching = thread::spawn(move || {
            let (mut longest, mut last, mut since) = (Duration::ZERO, moved.load(Ordering::Relaxed), Instant::now());
            while !is_done.load(Ordering::Relaxed) {
                thread::sleep(LOOK);
                let now = moved.load(Ordering::Relaxed);
                longest = longest.max(since.elapsed());
                if now != last {
                    (last, since) = (now, Instant::now());
                }
            }
            longest
        });
        Self { done, watching }
    }

    fn longest(self) -> Duration {
        self.done.store(true, Ordering::Relaxed);
        self.watching.join().expect("no panic")
    }
}
