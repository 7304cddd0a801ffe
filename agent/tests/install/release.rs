//! Releases for the tests: archives that the release scripts sign.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent").to_owned()
}

/// Runs a command of the repository, which must succeed; gives what it printed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}\n{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// A script of `packaging/release`.
pub(crate) fn script(name: &str) -> Command {
    Command::new(root().join("packaging/release").join(name))
}

/// The private key of debug builds.
pub(crate) fn key() -> PathBuf {
    root().join("packaging/develop/release-key.pem")
}

/// Its public half.
pub(crate) fn public_key() -> String {
    let pem = run(Command::new("openssl").args(["pkey", "-pubout", "-in"]).arg(key()));
    pem.lines().nth(1).expect("a key").to_owned()
}

/// The system that this test runs on, as archives name it.
pub(crate) fn target() -> String {
    let shown = run(Command::new(env!("CARGO")).args(["-vV"]));
    shown.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host").to_owned()
}

/// Signs what is in `directory`.
pub(crate) fn sign(directory: &Path, key: &Path) {
    run(script("sign.sh").arg(directory).arg(key));
}

/// A release whose program is a script: what `update` does with a program does not depend on what it is.
pub(crate) fn stand_in(program: &str, version: &str, body: &str) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let stem = format!("{program}-{version}-{}", target());
    let work = tempfile::tempdir().expect("a directory");
    let file = work.path().join(&stem).join(program);
    fs::create_dir(work.path().join(&stem)).expect("made");
    // Large enough to be cut.
    fs::write(&file, format!("#!/bin/sh\n{body}\nexit\n{}", noise())).expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("mode");
    let archive = directory.path().join(format!("{stem}.tar.gz"));
    run(Command::new("tar").arg("-C").arg(work.path()).arg("-czf").arg(archive).arg(&stem));
    sign(directory.path(), &key());
    directory
}

/// The same, whose program tells its version.
pub(crate) fn answering(program: &str, version: &str) -> TempDir {
    stand_in(program, version, &format!("echo {program} {version}"))
}

/// 300 kB that compress badly.
fn noise() -> String {
    let mut state: u64 = 88_172_645_463_325_252;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..20_000).map(|_| format!("{:016x}", next())).collect()
}
