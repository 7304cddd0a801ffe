//! A machine that changes its network. It takes a network namespace, which not everyone may make.

use std::process::{Command, Stdio};

use super::program::{BASE, Program};
use super::tools::wait_for;

/// Becomes the program after it, in a network of its own that has loopback only.
const ALONE: [&str; 5] = ["unshare", "--net", "sh", "-c", "ip link set lo up && exec \"$0\" \"$@\""];

#[test]
fn every_leg_is_dialled_anew_at_once_when_the_machine_gets_another_address() {
    let allowed = Command::new(ALONE[0]).args(&ALONE[1..]).arg("true").stderr(Stdio::null()).status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no network namespace can be made here");
        return;
    }
    let agent = Program::spawn_under(&ALONE, &format!("frequency = \"never\"\n{BASE}"), &[]);
    agent.wait_until_healthy();
    // What is there at the start is no change, nor what comes within a second of it.
    wait_for("a settled network", || (agent.status()?["exits"][0]["age_s"].as_u64()? >= 2).then_some(()));
    let pid = agent.process.id().to_string();
    let arguments = ["-t", &pid, "--net", "ip", "address", "add", "198.51.100.7/32", "dev", "lo"];
    assert!(Command::new("nsenter").args(arguments).status().expect("nsenter runs").success());
    wait_for("a resume of every exit", || {
        let status = agent.status()?;
        let resumed = |exit: &serde_json::Value| exit["resumes"].as_u64() >= Some(1) && exit["paired"] == true;
        status["exits"].as_array().filter(|exits| exits.iter().all(resumed)).map(|_| ())
    });
    assert!(agent.log().contains("cause=\"the network changed\""), "the log tells the cause");
}
