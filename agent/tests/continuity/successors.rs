//! The relay is replaced, in good order and without any, and nobody notices more than a pause.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::program::{BASE, Program};
use super::relay_program::RelayProgram;
use super::site::Site;
use super::streams::{Moved, download};
use super::tools::wait_for;

const DOWNLOADS: usize = 50;
/// Large enough to last at this rate until all is over.
const SIZE: u64 = 2_000_000;
const RATE: u64 = 20_000;

#[test]
fn fifty_downloads_outlive_a_relay_that_hands_over_and_one_that_is_killed() {
    let mut relay = RelayProgram::start();
    let configuration = format!("regions = [\"only\"]\nfrequency = \"never\"\n{BASE}{}", relay.section());
    let (agent, site, moved) = (Program::start(&configuration), Site::start(), Moved::default());
    let proxy = agent.proxy();
    let downloads: Vec<_> = (0..DOWNLOADS).map(|_| download(proxy, &site, SIZE, RATE, &moved)).collect();
    wait_for("fifty streams", || (agent.status()?["totals"]["streams_open"] == DOWNLOADS).then_some(()));
    flows("at first", &moved);

    let begun = Instant::now();
    assert!(relay.hand_over().success());
    flows("after a hand-over", &moved);
    eprintln!("handed over: {:.2} s", begun.elapsed().as_secs_f64());

    let begun = Instant::now();
    relay.kill_and_restart();
    flows("after kill -9", &moved);
    eprintln!("killed and restarted: {:.2} s", begun.elapsed().as_secs_f64());

    assert!(downloads.iter().all(|download| !download.is_finished()), "every download lasted through both");
    site.hurry();
    downloads.into_iter().for_each(|download| download.join().expect("a whole download"));
    assert_eq!(site.connections(), DOWNLOADS);
}

/// Every download's bytes go through one tunnel, so that any of them shows that it stands.
fn flows(when: &str, moved: &Moved) {
    let before = moved.load(Ordering::Relaxed);
    // More than what was on its way already.
    wait_for(&format!("bytes to flow {when}"), || {
        (moved.load(Ordering::Relaxed) > before + 2 * RATE * DOWNLOADS as u64).then_some(())
    });
}
