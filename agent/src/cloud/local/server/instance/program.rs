//! The function program as a child process: started with Lambda's environment and nothing else, frozen where the system can,
//! thawed, killed.

use std::collections::BTreeMap;
use std::io::{self, PipeReader};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use tokio::process::{Child, Command};

use crate::cloud::local::server::system::Group;
use crate::system::in_a_group_of_its_own;

/// What to start.
#[derive(Debug, Clone)]
pub(in crate::cloud::local::server) struct Program {
    /// The program and its arguments.
    pub(in crate::cloud::local::server) command: Vec<String>,
    /// What starts it, given our pid and the command; may be empty.
    pub(in crate::cloud::local::server) wrapper: Vec<String>,
    /// All that it sees of variables.
    pub(in crate::cloud::local::server) environment: BTreeMap<String, String>,
}

/// A running program, in a group of its own.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    group: Group,
}

impl Program {
    /// Starts it; the pipe carries its standard output and error.
    pub(super) fn start(&self) -> io::Result<(Running, PipeReader)> {
        let (reader, writer) = io::pipe()?;
        let child = self.as_command()?.stdout(writer.try_clone()?).stderr(writer).spawn()?;
        let group = Group::of(&child);
        Ok((Running { child, group }, reader))
    }

    fn as_command(&self) -> io::Result<Command> {
        let parent = (!self.wrapper.is_empty()).then(|| std::process::id().to_string());
        let mut argv = self.wrapper.iter().chain(&parent).chain(&self.command);
        let mut command = Command::new(argv.next().ok_or(io::ErrorKind::InvalidInput)?);
        command.args(argv).env_clear().envs(&self.environment).current_dir(task_root(&self.command));
        command.stdin(Stdio::null()).kill_on_drop(true);
        in_a_group_of_its_own(&mut command);
        Ok(command)
    }
}

/// The folder of the function's program, which Lambda makes its working directory.
pub(in crate::cloud::local::server) fn task_root(command: &[String]) -> PathBuf {
    let parent = command.first().and_then(|program| Path::new(program).parent());
    parent.filter(|folder| folder.is_absolute()).unwrap_or(Path::new("/")).to_owned()
}

impl Running {
    /// Resolves when the program has ended. Safe to cancel.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Whether the program has ended, asked of the system itself: the runtime may not have heard of it yet.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Stops every process of the group where it is.
    pub(super) fn freeze(&self) {
        self.group.freeze();
    }

    /// Lets the group go on.
    pub(super) fn thaw(&self) {
        self.group.thaw();
    }

    /// Kills the group, frozen or not, and waits until the program is gone.
    pub(super) async fn kill(&mut self) {
        self.group.kill();
        // An error means that there is nothing left to end or to wait for.
        let _ = self.child.start_kill();
        let _ = self.child.wait().await;
    }
}
