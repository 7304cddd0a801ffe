//! The step between the local Lambda and a function program: dies with its parent, then becomes the program.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The body of the hidden subcommand `local-child`: `args` are the parent's pid, the program and its arguments.
/// Returns only when the program could not be started.
///
/// On Linux the kernel kills the program when the parent's thread that spawned it ends, so that thread must live as long
/// as the parent. Other systems have no such order: there the program may outlive a killed local Lambda.
pub fn local_child(args: impl IntoIterator<Item = OsString>) -> io::Error {
    let mut args = args.into_iter();
    let (Some(parent), Some(program)) = (args.next(), args.next()) else {
        return io::Error::new(io::ErrorKind::InvalidInput, "expected the parent's pid and a program");
    };
    match die_with(&parent) {
        Ok(()) => Command::new(program).args(args).exec(),
        Err(error) => error,
    }
}

#[cfg(target_os = "linux")]
fn die_with(parent: &OsString) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    // A parent that died before the order stood has left this process to another one.
    let now = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().to_string());
    if parent.to_str() == now.as_deref() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::NotFound, "the local Lambda is gone"))
}

#[cfg(not(target_os = "linux"))]
fn die_with(_parent: &OsString) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_without_its_parent_or_a_program_starts_nothing() {
        assert_eq!(local_child(["1".into()]).kind(), io::ErrorKind::InvalidInput);
    }
}
