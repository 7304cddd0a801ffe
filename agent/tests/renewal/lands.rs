//! Where the Invoke of a renewal lands: on its instance, on another's, on none of ours.
//!
//! A function that cannot be told anything answers `unpaired` and is frozen with its tunnel. Nothing is invoked before the
//! agent's leg stands, so that a shut gate gives a test the time to arrange things.

use std::io::{ErrorKind, Read};

use super::gate::Gate;
use super::program::{Program, Relay, send_signal};
use super::support::line::Line;
use super::tools::wait_for;
use super::world::{configuration, exit, exits, frozen, wait_until_renewed};

/// The function says `ending` after 15 s of these.
const LIFE: u32 = 18;
/// The gate is shut when the first exit has this left, in seconds: before its renewal is due, 4.5 s before its end, and less than
/// 5 s, after which an unpaired exit would be replaced, before both functions are frozen.
const SHUT_AT: u64 = 6;

struct Scene {
    _relay: Relay,
    gate: Gate,
    agent: Program,
}

impl Scene {
    fn set() -> Self {
        let relay = Relay::start();
        let gate = Gate::before(relay.address);
        let configured = configuration("never", LIFE, "");
        let relays = format!("[relay]\nurl = \"ws://{}\"\ntoken = \"{}\"\n", gate.address, relay.token);
        let agent = Program::start(&(configured + &relays));
        Self { _relay: relay, gate, agent }
    }

    /// Shuts the gate in time and waits until so many functions are frozen.
    fn freeze(&self, count: usize) -> Vec<u32> {
        wait_for("the first exit's last seconds", || {
            (exit(&self.agent, "e1")?["remaining_s"].as_u64()? <= SHUT_AT).then_some(())
        });
        self.gate.shut();
        wait_for("the freeze", || Some(frozen(&self.agent)).filter(|frozen| frozen.len() == count))
    }
}

#[test]
fn a_function_that_could_not_be_asked_is_renewed_when_the_way_is_open_again() {
    let scene = Scene::set();
    let mut line = Line::through(&scene.agent);
    scene.freeze(1);
    scene.gate.open();
    wait_until_renewed(&scene.agent, "e1");
    line.pass();
    assert_eq!(exits(&scene.agent).expect("exits").len(), 1);
}

#[test]
fn a_function_that_was_killed_while_frozen_is_replaced_by_the_instance_that_came_instead() {
    let scene = Scene::set();
    let mut line = Line::through(&scene.agent);
    scene.freeze(1).into_iter().for_each(|pid| send_signal(pid, "KILL"));
    scene.gate.open();
    let error = line.app.read(&mut [0]).expect_err("not a clean end");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    wait_for("the other instance", || (exit(&scene.agent, "e2")?["state"] == "active").then_some(()));
    let status = scene.agent.status().expect("status");
    assert_eq!(status["regions"][0]["renewal"], "fails", "{status}");
    assert!(scene.agent.log().contains("another instance came"));
    Line::through(&scene.agent).pass();
}

#[test]
fn two_renewals_that_land_crosswise_renew_both() {
    let scene = Scene::set();
    let mut first = Line::through(&scene.agent);
    let rotated = scene.agent.command(&["rotate"]);
    assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
    let mut second = Line::through(&scene.agent);
    scene.freeze(2);
    scene.gate.open();
    wait_until_renewed(&scene.agent, "e1");
    wait_until_renewed(&scene.agent, "e2");
    first.pass();
    second.pass();
    assert!(scene.agent.log().contains("an Invoke reached another instance"));
    assert_eq!(exits(&scene.agent).expect("exits").len(), 2);
}
