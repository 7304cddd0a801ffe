//! Invokes of renewals that are throttled, late or lost.

use std::thread;
use std::time::Duration;

use super::desk::Desk;
use super::front::Fate;
use super::nginx::Nginx;
use super::processes::are_gone;
use super::support::line::Line;
use super::tools::{curl_text, noise, sha256, soak, wait_for};
use super::world::{agent, configuration, exit, functions, wait_until_renewed, with_room};

/// The function says `ending` after 10 s of these.
const LIFE: u32 = 12;

pub fn throttled_once() {
    tried_again_after(Fate::Throttle);
}

pub fn failed_once() {
    tried_again_after(Fate::Fail);
}

fn tried_again_after(fate: Fate) {
    let desk = Desk::open();
    let agent = agent(&desk, &configuration(LIFE, ""));
    agent.wait_until_healthy();
    desk.front.next(&[fate]);
    let mut line = Line::through(&agent);
    wait_until_renewed(&agent, 1);
    line.pass();
    assert_eq!(desk.front.seen(), [Fate::Pass, fate, Fate::Pass]);
    let status = agent.status().expect("status");
    assert_eq!((&status["regions"][0]["renewal"], &status["health"]), (&"works".into(), &"healthy".into()), "{status}");
    assert_eq!(status["exits"].as_array().map(Vec::len), Some(1), "{status}");
}

/// Three tries and no more. The function stays frozen, so that the region's next Invoke finds it, and its name in the list.
pub fn throttled_each_time() {
    let desk = Desk::open();
    let agent = agent(&desk, &with_room(&configuration(LIFE, "")));
    agent.wait_until_healthy();
    let mut line = Line::through(&agent);
    desk.front.all(Fate::Throttle);
    let problem = wait_for("the reason", || {
        let status = agent.status()?;
        status["problems"].as_array()?.iter().find(|problem| problem["code"] == "renewal_failed").cloned()
    });
    let text = problem["text"].as_str().expect("text");
    assert!(text.contains("throttled") && text.contains("ConcurrentInvocationLimitExceeded"), "{problem}");
    assert!(agent.log().contains("renewal failed"), "the log tells, too");
    assert!(desk.front.seen().len() >= 4, "{:?}", desk.front.seen());
    desk.front.all(Fate::Pass);
    wait_until_renewed(&agent, 1);
    line.pass();
    agent.wait_until_healthy();
}

pub fn frozen_for_seconds() {
    let (desk, nginx) = (Desk::open(), Nginx::start());
    let agent = agent(&desk, &configuration(LIFE, ""));
    agent.wait_until_healthy();
    desk.front.next(&[Fate::Late(Duration::from_secs(4))]);
    let (song, copy) = (nginx.root().join("song"), nginx.root().join("copy"));
    // 20 s at the rate of the server's slow folder: beyond the renewal.
    noise(&song, 4_000_000);
    let (proxy, url) = (agent.url(), format!("http://localhost:{}/slow/song", nginx.http));
    let target = copy.display().to_string();
    let download = thread::spawn(move || curl_text(&["-x", &proxy, "--proxytunnel", "-o", &target, &url]));
    wait_for("the freeze", || (functions(&desk, true).len() == 1).then_some(()));
    wait_until_renewed(&agent, 1);
    download.join().expect("the download");
    assert_eq!(sha256(&copy), sha256(&song));
    wait_for("the visit", || (!nginx.visitors().is_empty()).then_some(()));
    assert_eq!(nginx.visitors().len(), 1);
    assert!(exit(&agent, "e1").expect("exit")["resumes"].as_u64() <= Some(1), "seconds are no lost leg, or a short one");
}

/// The connection of a running Invoke goes silent, as behind a router that forgets. In a soak after 60 s, as they do.
pub fn black_hole() {
    let (life, after) = if soak() > 1 { (90, 60) } else { (LIFE, 3) };
    let desk = Desk::open();
    let mut agent = agent(&desk, &configuration(life, ""));
    agent.wait_until_healthy();
    let mut line = Line::through(&agent);
    wait_for("the age of a forgotten connection", || (exit(&agent, "e1")?["age_s"].as_u64()? >= after).then_some(()));
    assert_eq!(desk.front.make_a_black_hole(), 1);
    line.pass();
    // The function's answer is lost; its word on the tunnel is enough.
    wait_until_renewed(&agent, 1);
    line.pass();
    wait_until_renewed(&agent, 2);
    line.pass();
    let status = agent.status().expect("status");
    assert_eq!((&status["regions"][0]["renewal"], &status["health"]), (&"works".into(), &"healthy".into()), "{status}");
    assert_eq!(status["exits"].as_array().map(Vec::len), Some(1), "{status}");
    // Nor does an end need the answer.
    desk.front.make_a_black_hole();
    let running = functions(&desk, false);
    agent.signal("TERM");
    assert_eq!(agent.wait().code(), Some(0), "{}", agent.log());
    wait_for("the function's end", || are_gone(&running).then_some(()));
}
