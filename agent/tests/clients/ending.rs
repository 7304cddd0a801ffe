//! Signals: what runs is cut, or finishes, or is not waited for.

use std::collections::BTreeSet;
use std::process::Output;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::nginx::Nginx;
use super::processes::{are_gone, descendants};
use super::program::{BASE, MINDS_HANGUPS, Program, send_signal};
use super::tools::{curl, noise, wait_for};

/// Bytes of a download of some ten seconds.
const SIZE: u64 = 2_000_000;

/// An agent with a running download.
struct Scene {
    agent: Program,
    download: thread::JoinHandle<Output>,
    begun: Instant,
    _nginx: Nginx,
}

impl Scene {
    fn start(arguments: &[&str]) -> Self {
        Self::of(Program::spawn_with(BASE, arguments))
    }

    fn of(agent: Program) -> Self {
        Self::with_song(agent, SIZE)
    }

    fn with_song(agent: Program, bytes: u64) -> Self {
        let nginx = Nginx::start();
        agent.wait_until_healthy();
        noise(&nginx.root().join("song"), bytes);
        let (proxy, url) = (agent.url(), format!("http://localhost:{}/slow/song", nginx.http));
        let begun = Instant::now();
        let download = thread::spawn(move || curl(&["-x", &proxy, "-o", "/dev/null", "-w", "%{size_download}", &url]));
        wait_for("the stream", || (agent.status()?["totals"]["streams_open"] == 1).then_some(()));
        Self { agent, download, begun, _nginx: nginx }
    }
}

#[test]
fn the_first_signal_cuts_streams_visibly_and_is_quick() {
    let mut scene = Scene::start(&[]);
    let family = descendants(scene.agent.process.id());
    let signalled = Instant::now();
    scene.agent.signal("TERM");
    assert_eq!(scene.agent.wait().code(), Some(0));
    // Two seconds are promised; the rest is for a busy machine.
    assert!(signalled.elapsed() < Duration::from_secs(4), "{:?}", signalled.elapsed());
    assert!(!scene.download.join().expect("curl").status.success(), "a cut download looks whole");
    wait_for("the end of every process", || are_gone(&family).then_some(()));
}

#[test]
fn a_terminal_that_closes_ends_the_agent_in_order() {
    // The script is the terminal: what the agent writes after its end fails.
    let terminal = [&MINDS_HANGUPS[..], &["python3", "-c", "import pty, sys; pty.spawn(sys.argv[1:])"]].concat();
    let mut scene = Scene::of(Program::spawn_under(&terminal, BASE, &[]));
    let family = descendants(scene.agent.process.id());
    let holder = || {
        let files = std::fs::read_dir(scene.agent.desktop.state()).expect("a directory").flatten();
        files.filter(|file| file.path().extension().is_some_and(|end| end == "agent")).count()
    };
    assert_eq!(holder(), 1);
    send_signal(scene.agent.process.id(), "KILL");
    wait_for("the end of every process", || are_gone(&family).then_some(()));
    assert_eq!(holder(), 0, "killed, it could not have tidied up");
    assert!(!scene.download.join().expect("curl").status.success(), "a cut download looks whole");
    scene.agent.wait();
}

#[test]
fn a_terminal_that_closes_does_not_end_what_nohup_started() {
    let mut agent = Program::spawn_under(&["nohup"], BASE, &[]);
    agent.wait_until_healthy();
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.process.id())).expect("it runs");
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("a mask");
    assert_eq!(u64::from_str_radix(caught.trim(), 16).expect("hexadecimal") & 1, 0, "SIGHUP is left ignored");
    agent.signal("HUP");
    agent.wait_until_healthy();
    agent.signal("TERM");
    assert_eq!(agent.wait().code(), Some(0));
}

#[test]
fn with_drain_a_running_download_finishes_and_new_ones_are_not_taken() {
    let mut scene = Scene::start(&["--drain", "30s"]);
    let proxy = scene.agent.url();
    scene.agent.signal("INT");
    // A terminal that closes after Ctrl-C is no second wish.
    wait_for("the drain", || scene.agent.log().contains("running ones may finish").then_some(()));
    scene.agent.signal("HUP");
    wait_for("a closed port", || {
        let refused = curl(&["-x", &proxy, "http://localhost/"]);
        // 7: it could not connect.
        (refused.status.code() == Some(7)).then_some(())
    });
    let output = scene.download.join().expect("curl");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stdout).as_ref()), (Some(0), "2000000"));
    assert_eq!(scene.agent.wait().code(), Some(0));
    assert!(scene.begun.elapsed() < Duration::from_secs(28), "it waited for the last second: {:?}", scene.begun.elapsed());
}

#[test]
fn while_it_drains_it_keeps_what_carries_and_invokes_none() {
    let agent = Program::spawn_with(&format!("frequency = \"3s\"\n{BASE}"), &["--drain", "5m"]);
    let mut scene = Scene::with_song(agent, 2 * SIZE);
    scene.agent.signal("INT");
    wait_for("the drain", || scene.agent.log().contains("running ones may finish").then_some(()));
    let exits = |status: &Value| status["exits"].as_array().map_or(0, Vec::len);
    let rested = wait_for("the rest of the region that carries nothing", || {
        let status = scene.agent.status()?;
        let live = status["exits"].as_array()?.iter().filter(|exit| exit["ended_reason"].is_null());
        let starts = live.clone().any(|exit| ["invoked", "paired", "ready"].map(Value::from).contains(&exit["state"]));
        let regions: BTreeSet<&str> = live.filter_map(|exit| exit["region"].as_str()).collect();
        let resting = status["regions"].as_array()?.iter().filter(|region| region["state"] == "lapsed").count();
        (!starts && (regions.len(), resting) == (1, 1)).then_some(status)
    });
    // More than one turn of the frequency.
    thread::sleep(Duration::from_secs(4));
    let status = scene.agent.status().expect("a status");
    assert_eq!((exits(&status), &status["health"]), (exits(&rested), &"healthy".into()), "{rested} then {status}");
    assert_eq!(status["totals"]["streams_open"], 1, "{status}");
    assert!(scene.download.join().expect("curl").status.success());
    assert_eq!(scene.agent.wait().code(), Some(0));
}

fn says_that_it_ends(agent: &Program) {
    let (status, seen) = (agent.desktop.run(&["status"]), agent.status().expect("a status"));
    assert!(status.stdout.starts_with("ending   proxy on "), "{status:?}");
    assert!(status.stdout.contains("ending: 1 stream may finish, at most 9m "), "{status:?}");
    assert_eq!((&seen["health"], &seen["problems"][0]["code"]), (&"healthy".into(), &"ending".into()));
    let rotated = agent.desktop.run(&["rotate"]);
    assert_eq!((rotated.code, rotated.stdout.as_str()), (Some(1), ""), "{rotated:?}");
    assert!(rotated.stderr.contains("it is ending, so it takes no new exits"), "{rotated:?}");
    let second = agent.desktop.run(&["run", "--local"]);
    assert_eq!(second.code, Some(1));
    assert!(second.stderr.contains("already running") && second.stderr.contains("it is ending"), "{second:?}");
}

#[test]
fn a_second_signal_waits_for_nothing() {
    let mut scene = Scene::start(&["--drain", "10m"]);
    let family = descendants(scene.agent.process.id());
    scene.agent.signal("INT");
    wait_for("the drain", || scene.agent.log().contains("running ones may finish").then_some(()));
    says_that_it_ends(&scene.agent);
    let signalled = Instant::now();
    scene.agent.signal("INT");
    assert_eq!(scene.agent.wait().code(), Some(130));
    assert!(signalled.elapsed() < Duration::from_secs(2), "{:?}", signalled.elapsed());
    assert!(!scene.download.join().expect("curl").status.success(), "a cut download looks whole");
    wait_for("the end of every process", || are_gone(&family).then_some(()));
}
