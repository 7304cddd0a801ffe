//! Python with what the tests drive: the clients, and moto.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// The interpreter that has the libraries; made by the script when they are missing.
pub static PYTHON: LazyLock<PathBuf> = LazyLock::new(|| {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/develop/clients.sh");
    let output = Command::new(script).stderr(Stdio::inherit()).output().expect("clients.sh runs");
    assert!(output.status.success(), "clients.sh: {}", output.status);
    PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim())
});

/// A script of the tests, in the folder of its test, with these arguments.
pub fn script(path: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(&*PYTHON);
    // The proxy is named to each library; none is found in the environment of whoever runs the tests.
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path);
    command.arg(script).args(arguments).stdin(Stdio::null());
    command
}
