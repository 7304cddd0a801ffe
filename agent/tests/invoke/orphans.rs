//! Frozen instances with a tunnel that nobody holds any more, which Lambda keeps choosing since they were used last.

use super::desk::Desk;
use super::gate::Gate;
use super::program::{Program, Relay};
use super::support::line::Line;
use super::tools::wait_for;
use super::world::{agent, configuration, exit, functions};

/// The shortest grace there is.
const SHORT: &str = "grace = \"5s\"";
/// Enough of it for another agent to start and to invoke.
const LONG: &str = "grace = \"10s\"";
/// The function says `ending` after 15 s of these.
const LIFE: u32 = 18;

/// One instance at a time, behind a relay that can be shut off.
struct Scene {
    relay: Relay,
    gate: Gate,
    desk: Desk,
    grace: &'static str,
}

impl Scene {
    fn set(desk: Desk, grace: &'static str) -> Self {
        let relay = Relay::start();
        Self { gate: Gate::before(relay.address), relay, desk, grace }
    }

    fn agent(&self) -> Program {
        let relay = format!("[relay]\nurl = \"ws://{}\"\ntoken = \"{}\"\n", self.gate.address, self.relay.token);
        agent(&self.desk, &(configuration(LIFE, self.grace) + &relay))
    }

    /// Leaves an exit's only function frozen with its tunnel, and says which process that is.
    fn freeze(&self, agent: &Program) -> u32 {
        wait_for("the first exit's last seconds", || (exit(agent, "e1")?["remaining_s"].as_u64()? <= 6).then_some(()));
        self.gate.shut();
        wait_for("the freeze", || functions(&self.desk, true).first().copied())
    }
}

/// Within grace the instance answers `busy`: its agent may be about to come back. Then it is free.
pub fn of_an_agent_that_is_gone() {
    let scene = Scene::set(Desk::that_stays(), LONG);
    let mut first = scene.agent();
    first.wait_until_healthy();
    let frozen = scene.freeze(&first);
    first.signal("KILL");
    first.wait();
    scene.gate.open();
    let second = scene.agent();
    second.wait_until_healthy();
    Line::through(&second).pass();
    assert_eq!(functions(&scene.desk, false), [frozen], "Lambda chose it, again and again");
    let status = second.status().expect("status");
    let ended: Vec<_> = status["exits"].as_array().expect("exits").iter().filter(|exit| exit["state"] == "failed").collect();
    assert!(!ended.is_empty(), "it was busy at first: {status}");
    assert!(ended.iter().all(|exit| exit["ended_reason"] == "busy"), "{status}");
    let problems = status["problems"].as_array().expect("problems");
    // That one instance is few is all that is left to say.
    assert!(problems.iter().all(|problem| problem["code"] == "concurrency_limit"), "{status}");
}

/// The agent has given the tunnel up: its next invitation names the instance in no list.
pub fn of_the_same_agent() {
    let scene = Scene::set(Desk::open(), SHORT);
    let agent = scene.agent();
    agent.wait_until_healthy();
    let frozen = scene.freeze(&agent);
    let lost = wait_for("the end of the first exit", || exit(&agent, "e1").filter(|exit| exit["state"] == "failed"));
    assert_eq!(lost["ended_reason"], "lost", "{lost}");
    assert!(lost["error"].as_str().expect("error").contains("grace"), "{lost}");
    scene.gate.open();
    agent.wait_until_healthy();
    Line::through(&agent).pass();
    assert_eq!(functions(&scene.desk, false), [frozen]);
    let status = agent.status().expect("status");
    let exits = status["exits"].as_array().expect("exits");
    let active = exits.iter().find(|exit| exit["state"] == "active").expect("an exit");
    assert_eq!(active["instance"], lost["instance"], "the same process");
    assert!(exits.iter().all(|exit| exit["ended_reason"] != "busy"), "{status}");
}
