//! Commands at a terminal of their own, answered as a person would.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::desktop::{Desktop, Ended};
use super::program::EXE;
use super::support::python::PYTHON;

/// Runs the program on a desktop; `answers` as `terminal.py` takes them. What the terminal showed is its standard output.
pub fn run(desktop: &Desktop, arguments: &[&str], answers: &Value) -> Ended {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/aws/terminal.py");
    let configuration = desktop.path().join("config.toml").display().to_string();
    let mut command = Command::new(&*PYTHON);
    command.args(["-B", script, EXE, "--config", &configuration]).args(arguments);
    let prepared = desktop.command(&[]);
    command.env_clear().envs(prepared.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("started");
    write!(child.stdin.take().expect("stdin"), "{answers}").expect("written");
    child.wait_with_output().expect("ended").into()
}
