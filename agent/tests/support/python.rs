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
