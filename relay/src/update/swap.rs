//! The last steps, in a directory beside the program: unpack the new one, let it answer, rename it into place.
//!
//! Beside it, because a rename is atomic only within a file system, and because there a program may be started, which
//! temporary directories often forbid.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use self_update::{ArchiveKind, Compression, Extract};
use semver::Version;

use super::UpdateError;
use crate::system::{create_private_directory, lock_file, replace_program};

/// How long a new program may take to tell its version: a cold disk, a virus scanner.
const ANSWER: Duration = Duration::from_secs(20);
/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(20);
/// Most bytes of an answer.
const LARGEST_ANSWER: u64 = 4096;
/// Who holds it is updating this program.
const LOCK: &str = "lock";

/// A directory beside the program; gone with the value. What a killed update left there goes first.
pub(super) struct Staging {
    directory: PathBuf,
    _lock: File,
}

impl Staging {
    /// The directory of the program at `path`, once no other update has it.
    pub(super) fn beside(path: &Path) -> Result<Self, UpdateError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let directory = path.with_file_name(format!(".{name}.update"));
        let failed = || UpdateError::file("write in", &directory);
        create_private_directory(&directory).map_err(failed())?;
        let lock = lock_file(&directory.join(LOCK)).map_err(failed())?;
        sweep(&directory).map_err(failed())?;
        Ok(Self { directory, _lock: lock })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Unpacks `folder/name` of an archive.
    pub(super) fn unpack(&self, archive: &Path, folder: &str, name: &str) -> Result<PathBuf, UpdateError> {
        let inner = format!("{folder}/{name}{}", std::env::consts::EXE_SUFFIX);
        let unpacked =
            Extract::from_source(archive).archive(ArchiveKind::Tar(Some(Compression::Gz))).extract_file(&self.directory, &inner);
        let file = format!("{folder}.tar.gz");
        unpacked.map_err(|source| UpdateError::Unpack { file, source: Box::new(source) })?;
        Ok(self.directory.join(inner))
    }

    /// Lets `program` say its version, then renames it into place.
    pub(super) fn swap(&self, program: &Path, name: &str, version: &Version) -> Result<(), UpdateError> {
        // Windows writes out only what may be written to.
        File::options()
            .write(true)
            .open(program)
            .and_then(|file| file.sync_all())
            .map_err(UpdateError::file("write", program))?;
        answers(program, &format!("{name} {version}")).map_err(|problem| UpdateError::Answer { problem })?;
        replace_program(program).map_err(UpdateError::file("replace the program with", program))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.directory) {
            tracing::debug!(%error, directory = %self.directory.display(), "the directory of the update stays");
        }
    }
}

/// Removes everything but the lock.
fn sweep(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name() == LOCK {
            continue;
        }
        if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path())? } else { fs::remove_file(entry.path())? }
    }
    Ok(())
}

/// Whether `program --version` says `expected`; else what it did.
fn answers(program: &Path, expected: &str) -> Result<(), String> {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = start(&mut command).map_err(|error| format!("it does not start: {error}"))?;
    let stdout = child.stdout.take();
    let status = wait(&mut child).map_err(|error| format!("it does not answer: {error}"))?;
    let mut answer = String::new();
    // What cannot be read is not the answer.
    let _unread = stdout.map(|stdout| stdout.take(LARGEST_ANSWER).read_to_string(&mut answer));
    match (status.success(), answer.trim()) {
        (true, answer) if answer == expected => Ok(()),
        (true, answer) => Err(format!("it says {answer:?}, not {expected:?}")),
        (false, _) => Err(format!("asked for its version it ended with {status}")),
    }
}

/// Starts a program that was written a moment ago: what another thread starts just then holds its file open for writing until
/// it has become its own program, and no such file can be run.
fn start(command: &mut Command) -> io::Result<Child> {
    let begun = Instant::now();
    loop {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && begun.elapsed() < ANSWER => thread::sleep(LOOK),
            started => return started,
        }
    }
}

fn wait(child: &mut Child) -> io::Result<std::process::ExitStatus> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if begun.elapsed() > ANSWER {
            child.kill()?;
            child.wait()?;
            return Err(io::ErrorKind::TimedOut.into());
        }
        thread::sleep(LOOK);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;

    use super::*;

    fn script(directory: &Path, text: &str) -> PathBuf {
        let path = directory.join("program");
        // By another process: what this one has open for writing a sibling's fork may hold, and then it cannot be run.
        let mut install = Command::new("install");
        let mut install = install.args(["-m", "755", "/dev/stdin"]).arg(&path).stdin(Stdio::piped()).spawn().expect("install");
        install.stdin.take().expect("its input").write_all(format!("#!/bin/sh\n{text}\n").as_bytes()).expect("written");
        assert!(install.wait().expect("its end").success());
        path
    }

    #[test]
    fn a_new_program_must_say_its_version() {
        let directory = tempfile::tempdir().expect("a directory");
        let says = |text: &str| answers(&script(directory.path(), text), "program 2.0.0");
        assert_eq!(says("echo program 2.0.0"), Ok(()));
        assert!(says("echo program 1.0.0").expect_err("another").contains("1.0.0"));
        assert!(says("exit 3").expect_err("ended").contains("exit status: 3"));
        assert!(answers(&directory.path().join("none"), "x").expect_err("none").contains("does not start"));
    }

    #[test]
    fn what_a_killed_update_left_goes_first() {
        let directory = tempfile::tempdir().expect("a directory");
        let program = script(directory.path(), "");
        let left = directory.path().join(".program.update");
        fs::create_dir_all(left.join("folder")).expect("made");
        fs::write(left.join("half.tar.gz"), "half").expect("written");
        let staging = Staging::beside(&program).expect("staged");
        assert_eq!(fs::read_dir(&left).expect("there").count(), 1, "the lock");
        drop(staging);
        assert!(!left.exists() && program.exists());
    }
}
