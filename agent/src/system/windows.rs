//! Windows. Files have no mode: the access list of the user's profile, which they take over, keeps others out.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus};

use tokio::signal::windows::{CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close};
use tokio::signal::windows::{ctrl_logoff, ctrl_shutdown};

/// `CREATE_NEW_PROCESS_GROUP` (processthreadsapi.h): the console's Ctrl-C does not reach the process.
const NEW_PROCESS_GROUP: u32 = 0x0000_0200;

/// The profile's list does.
pub(super) fn keep_file_private(_: &mut OpenOptions) {}

/// The profile's list does.
pub(super) fn keep_directory_private(_: &mut DirBuilder) {}

/// The profile's list does.
pub(super) fn shut(_: &Path) -> io::Result<()> {
    Ok(())
}

/// A file cannot be told from its successor here: none is taken for the one that is known.
pub(crate) fn is_same_file(_: &File, _: &File) -> io::Result<bool> {
    Ok(false)
}

/// The console's Ctrl-C shall reach the agent alone, which then ends what it has started.
pub(crate) fn in_a_group_of_its_own(command: &mut tokio::process::Command) {
    command.creation_flags(NEW_PROCESS_GROUP);
}

/// Waits for the command; no program takes another's place here.
pub(crate) fn become_it(mut command: Command) -> io::Result<ExitStatus> {
    command.status()
}

/// There is no such limit.
pub(crate) fn raise_descriptor_limit() {}

/// What ends an agent: Ctrl-C, Ctrl-Break, a console that is closed, the end of the session or of the system. After the last
/// three Windows waits some seconds, and an agent takes two.
pub(crate) struct Signals {
    interrupt: CtrlC,
    stop: CtrlBreak,
    close: CtrlClose,
    logoff: CtrlLogoff,
    shutdown: CtrlShutdown,
}

impl Signals {
    /// Takes them over from their default action.
    pub(crate) fn new() -> io::Result<Self> {
        let (interrupt, stop, close) = (ctrl_c()?, ctrl_break()?, ctrl_close()?);
        Ok(Self { interrupt, stop, close, logoff: ctrl_logoff()?, shutdown: ctrl_shutdown()? })
    }

    /// The first one.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.stop.recv() => {}
            _ = self.close.recv() => {}
            _ = self.logoff.recv() => {}
            _ = self.shutdown.recv() => {}
        }
    }

    /// One more, of somebody who does not want to wait.
    pub(crate) async fn again(&mut self) {
        self.next().await;
    }
}
