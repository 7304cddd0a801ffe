//! A release of both real programs, packed by the release scripts: made once, for every test of the installers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::release::{key, public_key, root, run, script, sign, target};
use super::support::program::EXE;

/// The release: its directory, with stamped installers in it.
pub(crate) fn release() -> &'static Path {
    static RELEASE: OnceLock<TempDir> = OnceLock::new();
    RELEASE.get_or_init(make).path()
}

/// The relay's program, which the tests of the workspace have built; of this package alone they have not.
pub(crate) fn relay() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let program = Path::new(EXE).with_file_name("awslambdaproxy-relay");
        if !program.exists() {
            run(Command::new(env!("CARGO")).args(["build", "--quiet", "--package", "awslambdaproxy-relay"]).current_dir(root()));
        }
        program
    });
    built.clone()
}

fn make() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let work = tempfile::tempdir().expect("a directory");
    for program in [Path::new(EXE).to_owned(), relay()] {
        let stripped = work.path().join(program.file_name().expect("a name"));
        run(Command::new("strip").arg("-o").arg(&stripped).arg(&program));
        let archive = run(script("archive.sh").arg(&stripped).arg(target()).arg(directory.path()));
        // Debug programs are large, and a release's compression would take longest of all here.
        run(script("deb.sh").arg(archive.trim()).arg(directory.path()).env("DPKG_DEB_COMPRESSOR_LEVEL", "0"));
    }
    run(script("stamp.sh").arg(public_key()).arg(directory.path()));
    sign(directory.path(), &key());
    directory
}

/// The package of a program.
pub(crate) fn package(name: &str) -> PathBuf {
    let entries = fs::read_dir(release()).expect("a release").map(|entry| entry.expect("a file").path());
    let is_it = |path: &PathBuf| {
        path.extension().is_some_and(|it| it == "deb") && path.display().to_string().contains(&format!("/{name}_"))
    };
    entries.into_iter().find(is_it).expect("a package")
}
