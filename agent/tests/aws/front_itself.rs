//! The front's own tests, in Python.

use std::path::Path;
use std::process::Command;

use super::program::EXE;
use super::support::python::PYTHON;

#[test]
fn the_front_is_as_strict_as_aws() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/aws");
    let tests = ["-B", "-m", "unittest", "-q", "front.test_front"];
    let output = Command::new(&*PYTHON).args(tests).current_dir(folder).env("AGENT", EXE).output().expect("python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
