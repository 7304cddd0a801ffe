//! What befalls a path, one thing after the other. Each returns when the tunnel stands again.

use std::thread::sleep;
use std::time::Duration;

use super::chaos::{End, Fate};
use super::tools::wait_for;
use super::world::{World, seconds};

const S: Duration = Duration::from_secs(1);
/// Seconds that are left to a function when its agent is cut off: just before a renewal is due.
const CUT_OFF_AT: u64 = 23;

/// A fault, and its name.
pub type Fault = (&'static str, fn(&mut World));

/// Everything that a stream must outlive.
pub const ALL: [Fault; 7] = [
    ("three rotations", three_rotations),
    ("the relay is killed and comes back after 3 s", the_relay_restarts),
    ("the agent's leg is a black hole for 10 s", the_agents_leg_is_a_black_hole),
    ("the function's leg is reset five times", the_functions_leg_is_reset),
    ("the agent is stopped", the_agent_is_stopped),
    ("the function is stopped", the_function_is_stopped),
    ("a renewal with a freeze of 2 s in it", a_renewal_with_a_freeze),
];

fn three_rotations(world: &mut World) {
    for _ in 0..3 {
        let rotated = world.agent.command(&["rotate"]);
        assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
    }
}

fn the_relay_restarts(world: &mut World) {
    let before = wait_for("a paired tunnel", || world.resumes());
    world.relay.kill();
    sleep(3 * S);
    world.relay.restart();
    world.wait_for_resume(before);
}

/// The last byte may have come just before, so that both ends may or may not notice: what counts is that bytes flow.
fn the_agents_leg_is_a_black_hole(world: &mut World) {
    world.chaos.set(End::Agent, Fate::Hold);
    sleep(10 * S);
    world.chaos.set(End::Agent, Fate::Pass);
    wait_for("a paired tunnel", || world.resumes());
}

fn the_functions_leg_is_reset(world: &mut World) {
    for _ in 0..5 {
        let before = wait_for("a paired tunnel", || world.resumes());
        assert!(world.chaos.reset(End::Function) > 0, "there is a leg");
        world.wait_for_resume(before);
    }
}

fn the_agent_is_stopped(world: &mut World) {
    let before = wait_for("a paired tunnel", || world.resumes());
    World::stop_for(&[world.agent.process.id()], seconds(15, 45));
    world.wait_for_resume(before);
}

fn the_function_is_stopped(world: &mut World) {
    let before = wait_for("a paired tunnel", || world.resumes());
    let functions = world.functions();
    assert!(!functions.is_empty());
    World::stop_for(&functions, seconds(15, 45));
    world.wait_for_resume(before);
}

/// The function cannot be told to answer, so that it does so by itself when its time is nearly over, and is frozen. No
/// Invoke is sent before the agent's leg stands again.
fn a_renewal_with_a_freeze(world: &mut World) {
    let mut left = wait_for("the function's life", || world.remaining());
    while left > CUT_OFF_AT {
        left = wait_for("the next second of the function's life", || world.remaining().filter(|now| *now != left));
    }
    let (renewals, frozen) = (world.renewals(), world.frozen());
    world.chaos.set(End::Agent, Fate::Refuse);
    world.chaos.reset(End::Agent);
    wait_for("the freeze", || (world.frozen() > frozen).then_some(()));
    sleep(2 * S);
    world.chaos.set(End::Agent, Fate::Pass);
    wait_for("a renewal", || (world.renewals()? > renewals?).then_some(()));
    wait_for("a paired tunnel", || world.resumes());
}
