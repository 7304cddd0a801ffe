//! Streams through everything that may befall their path.

use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::chaos::{Chaos, End, Fate};
use super::echoes::Echoes;
use super::faults;
use super::program::{Program, Relay};
use super::site::{Site, sum_of_pattern};
use super::streams::{Moved, download, upload};
use super::tools::{sha256, wait_for};
use super::world::{World, configuration, seconds};

/// Large enough to last, at the rates below, for as long as all faults together.
const LARGE: u64 = 40_000_000;
/// Of each of fifty streams, bytes a second.
const SLOW: u64 = 10_000;

/// How long all faults together take at most, seconds: in a soak they are longer.
fn all_faults() -> u64 {
    seconds(200, 500).as_secs()
}

#[test]
fn one_download_outlives_every_fault_over_one_connection_of_its_site() {
    let mut world = World::start();
    let directory = tempfile::tempdir().expect("directory");
    let file = directory.path().join("file");
    let (path, rate) = (file.display().to_string(), LARGE / all_faults());
    let url = format!("http://{}/down/{LARGE}/{rate}", world.site.address);
    let arguments = ["-sS", "--proxytunnel", "-x", &world.agent.url(), "-o", &path, &url];
    let mut curl = Command::new("curl").args(arguments).spawn().expect("curl runs");
    let size = || std::fs::metadata(&file).map_or(0, |file| file.len());
    wait_for("the first bytes", || (size() > 0).then_some(()));
    go_through_all(&mut world, size);
    assert!(matches!(curl.try_wait(), Ok(None)), "the download lasted through all faults");
    world.site.hurry();
    assert!(curl.wait().expect("curl ends").success());
    assert_eq!(sha256(&file), sum_of_pattern(LARGE));
    assert_eq!(world.site.connections(), 1);
    told_in_log_and_status(&world);
}

#[test]
fn fifty_streams_outlive_every_fault_and_nothing_is_lost_doubled_or_moved() {
    let mut world = World::start();
    let (proxy, moved) = (world.agent.proxy(), Moved::default());
    let size = SLOW * all_faults();
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(download(proxy, &world.site, size, SLOW, &moved));
        streams.push(upload(proxy, &world.site, size, SLOW, &moved));
    }
    let mut echoes = Echoes::start(proxy, 10, &moved);
    wait_for("fifty streams", || (world.agent.status()?["totals"]["streams_open"] == 50).then_some(()));
    world.chaos.set(End::Function, Fate::Delay(Duration::from_millis(5)));
    go_through_all(&mut world, || moved.load(Ordering::Relaxed));
    let lasted = streams.iter().all(|stream| !stream.is_finished()) && echoes.are_running();
    assert!(lasted, "every stream lasted through all faults");
    world.site.hurry();
    streams.into_iter().for_each(|stream| stream.join().expect("a stream"));
    echoes.finish();
    assert_eq!(world.site.connections(), 40);
}

/// Every fault, and a sign of life of the streams after each.
fn go_through_all(world: &mut World, moved: impl Fn() -> u64) {
    for (name, fault) in faults::ALL {
        let begun = std::time::Instant::now();
        fault(world);
        let before = moved();
        wait_for(&format!("bytes to flow after: {name}"), || (moved() > before).then_some(()));
        eprintln!("{name}: {:.1} s", begun.elapsed().as_secs_f64());
    }
}

/// The relay's return, five resets and two stops are eight resumes at least.
fn told_in_log_and_status(world: &World) {
    let log = world.agent.log();
    assert!(log.matches("tunnel resumed").count() >= 8, "the log tells of every resume");
    let status = world.agent.status().expect("status");
    let exits = status["exits"].as_array().expect("exits");
    let resumed = exits.iter().find(|exit| exit["resumes"].as_u64() >= Some(8)).expect("an exit with its resumes");
    assert!(resumed["last_resume_ms"].is_u64(), "{resumed}");
}

#[test]
fn a_link_resumes_over_another_relay_while_the_functions_leg_at_the_first_still_stands() {
    let relays: Vec<Relay> = (0..3).map(|_| Relay::start()).collect();
    let chaos: Vec<Chaos> = relays.iter().map(|relay| Chaos::start(relay.address)).collect();
    let named: Vec<_> = chaos.iter().zip(&relays).map(|(chaos, relay)| (chaos.address, relay.token.as_str())).collect();
    let (agent, site, moved) = (Program::start(&configuration("", &named)), Site::start(), Moved::default());
    let stream = download(agent.proxy(), &site, LARGE / 4, 100_000, &moved);
    let resumes = || {
        let status = agent.status()?;
        let exit = status["exits"].as_array()?.iter().find(|exit| exit["streams"] == 1)?.clone();
        (exit["paired"] == true).then(|| exit["resumes"].as_u64()).flatten()
    };
    wait_for("the stream", resumes);

    // The agent's way to its relay breaks; the function's leg there hears `down`. Which relay that is, the probes have decided.
    let first = chaos.iter().position(|chaos| chaos.carried(End::Function) > 0).expect("the function's leg");
    chaos[first].set(End::Agent, Fate::Refuse);
    assert!(chaos[first].reset(End::Agent) > 0);
    wait_for("a resume over another relay", || resumes().filter(|count| *count >= 1));
    // Nothing tells either end that this one is gone, too.
    let mut others = chaos.iter().enumerate().filter(|(at, _)| *at != first).map(|(_, chaos)| chaos);
    let second = others.find(|chaos| chaos.carried(End::Function) > 0).expect("a leg over another relay");
    second.set(End::Agent, Fate::Hold);
    second.set(End::Function, Fate::Hold);
    wait_for("a resume over the third relay", || resumes().filter(|count| *count >= 2));
    assert!(chaos.iter().all(|chaos| chaos.carried(End::Agent) > 0 && chaos.carried(End::Function) > 0));
    let log = agent.log();
    for cause in ["Connection reset", "nothing heard for 10 s"] {
        assert!(log.contains(cause), "the log tells why the tunnel was interrupted: {cause}");
    }

    let before = moved.load(Ordering::Relaxed);
    wait_for("bytes to flow", || (moved.load(Ordering::Relaxed) > before).then_some(()));
    site.hurry();
    stream.join().expect("the download");
    assert_eq!(site.connections(), 1);
}
