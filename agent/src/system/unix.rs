//! Unix.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, IsTerminal};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Descriptors wanted: every connection of a user takes two at worst, a function's four hundred as many; the default of
/// most systems is 1024, and 256 of macOS, which takes no more than its OPEN_MAX (setrlimit(2)). Processes that are started
/// take the limit over.
const DESCRIPTORS: u64 = if cfg!(target_os = "macos") { 10_240 } else { 16 * 1024 };

pub(super) fn keep_file_private(options: &mut OpenOptions) {
    options.mode(0o600);
}

pub(super) fn keep_directory_private(builder: &mut DirBuilder) {
    builder.mode(0o700);
}

pub(super) fn shut(directory: &Path) -> io::Result<()> {
    std::fs::set_permissions(directory, Permissions::from_mode(0o700))
}

/// Whether two open files are one.
pub(crate) fn is_same_file(one: &File, other: &File) -> io::Result<bool> {
    let (one, other) = (one.metadata()?, other.metadata()?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

/// The terminal's signals shall reach the agent alone, which then ends what it has started.
pub(crate) fn in_a_group_of_its_own(command: &mut tokio::process::Command) {
    command.process_group(0);
}

/// The command takes this process's place, so its signals and its exit code are its own. Returns only where that failed.
pub(crate) fn become_it(mut command: Command) -> io::Result<ExitStatus> {
    Err(command.exec())
}

/// Raises this process's limit of descriptors as far as it is allowed to, if it is lower than what is wanted.
pub(crate) fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(DESCRIPTORS, |most| most.min(DESCRIPTORS));
    if limit.current.is_none_or(|current| current >= wanted) {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }) {
        tracing::debug!(%error, "the limit of descriptors stays as it is");
    }
}

/// The signals that end an agent: SIGINT, SIGTERM, and SIGHUP of a terminal that closes.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// `None` where it means nothing: `nohup` started the agent.
    hang_up: Option<Signal>,
}

impl Signals {
    /// Takes them over from their default action.
    pub(crate) fn new() -> io::Result<Self> {
        let hang_up = (!ignores_hang_up()).then(|| signal(SignalKind::hangup())).transpose()?;
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())?, hang_up })
    }

    /// The first one.
    pub(crate) async fn next(&mut self) {
        let Self { interrupt, terminate, hang_up } = self;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = hung_up(hang_up) => {}
        }
    }

    /// One more, of somebody who does not want to wait. A terminal that closes may hang up more than once, its shell too, also
    /// right after Ctrl-C: that is nobody's wish.
    pub(crate) async fn again(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

async fn hung_up(hang_up: &mut Option<Signal>) {
    match hang_up {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether whoever started this process wants it to outlive the terminal. Linux tells; elsewhere one that talks to a terminal
/// was not started by `nohup`, which leaves it none.
fn ignores_hang_up() -> bool {
    let told = std::fs::read_to_string("/proc/self/status").ok().and_then(|status| is_hang_up_ignored(&status));
    told.unwrap_or_else(|| !io::stderr().is_terminal())
}

/// Reads the mask of ignored signals, in which SIGHUP, the first, is the lowest bit (proc_pid_status(5)).
fn is_hang_up_ignored(status: &str) -> Option<bool> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    Some(u64::from_str_radix(mask.trim(), 16).ok()? & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_descriptors_is_raised_as_far_as_allowed() {
        raise_descriptor_limit();
        let limit = getrlimit(Resource::Nofile);
        let wanted = limit.maximum.map_or(DESCRIPTORS, |most| most.min(DESCRIPTORS));
        assert!(limit.current.is_none_or(|current| current >= wanted), "{limit:?}");
    }

    #[test]
    fn a_hang_up_that_is_ignored_is_told_from_one_that_is_not() {
        let status = |mask: &str| format!("Name:\tx\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\nSigCgt:\t0000000000000001\n");
        assert_eq!(is_hang_up_ignored(&status("0000000000001001")), Some(true));
        assert_eq!(is_hang_up_ignored(&status("0000000000001000")), Some(false));
        assert_eq!((is_hang_up_ignored(&status("x")), is_hang_up_ignored("")), (None, None));
    }
}
