//! Unix: pipes that do not block, signals, process groups that can be frozen.

use std::io::{self, PipeReader};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::{Pid, kill_process_group};
use tokio::io::BufReader;
use tokio::net::unix::pipe::Receiver;
use tokio::process::Child;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Buffer;

/// What a program sees of our own variables.
pub(in super::super) const KEPT_VARIABLES: &[&str] = &["PATH"];

/// Not tokio's standard input, whose blocking read would hold up the end of the runtime.
pub(in super::super) fn standard_input() -> io::Result<BufReader<Receiver>> {
    let pipe = io::stdin().as_fd().try_clone_to_owned()?;
    Ok(BufReader::new(Receiver::from_owned_fd(pipe)?))
}

/// Nothing: each program sees to its end by itself (see [`crate::cloud::local::local_child`]).
pub(in super::super) struct Hold;

impl Hold {
    pub(in super::super) fn take() -> io::Result<Self> {
        Ok(Self)
    }
}

/// The signals that it is sent.
pub(in super::super) struct Orders {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Orders {
    /// Takes them over from their default action.
    pub(in super::super) fn new() -> io::Result<Self> {
        let of = |kind| signal(kind);
        Ok(Self {
            terminate: of(SignalKind::terminate())?,
            interrupt: of(SignalKind::interrupt())?,
            hangup: of(SignalKind::hangup())?,
        })
    }

    /// Resolves when it is to go at once. A terminal's signals mean the agent, whose end it sees anyhow.
    pub(in super::super) async fn kill(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => {}
                _ = self.hangup.recv() => {}
            }
        }
    }
}

/// The pipe with a program's standard output and error.
#[derive(Debug)]
pub(in super::super) struct Output(Receiver);

impl Output {
    /// Reads `pipe`.
    pub(in super::super) fn new(pipe: PipeReader) -> io::Result<Self> {
        Receiver::from_owned_fd(OwnedFd::from(pipe)).map(Self)
    }

    /// Waits for output; 0 bytes are its end. Safe to cancel.
    pub(in super::super) async fn read(&mut self, buffer: &mut Buffer) -> io::Result<usize> {
        loop {
            self.0.readable().await?;
            match self.0.try_read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }

    /// What the system has by now; 0 bytes when there is nothing. The runtime may not have heard of it yet.
    pub(in super::super) fn read_now(&mut self, buffer: &mut Buffer) -> usize {
        rustix::io::read(&self.0, buffer).unwrap_or(0)
    }
}

/// A program and what it has started: it is the leader of its process group, and signals go to the whole.
#[derive(Debug)]
pub(in super::super) struct Group(Option<Pid>);

impl Group {
    /// Of a child in a group of its own.
    pub(in super::super) fn of(child: &Child) -> Self {
        Self(child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw))
    }

    /// Stops every process where it is.
    pub(in super::super) fn freeze(&self) {
        self.signal(rustix::process::Signal::STOP);
    }

    /// Lets them go on.
    pub(in super::super) fn thaw(&self) {
        self.signal(rustix::process::Signal::CONT);
    }

    /// Kills them, frozen or not. Once: later the group's number may be another's.
    pub(in super::super) fn kill(&mut self) {
        self.signal(rustix::process::Signal::KILL);
        self.0 = None;
    }

    fn signal(&self, signal: rustix::process::Signal) {
        if let Some(group) = self.0 {
            // A group that has ended cannot be signalled, and need not be.
            let _ = kill_process_group(group, signal);
        }
    }
}

/// The signal that ended a program.
pub(in super::super) fn signal_of(status: ExitStatus) -> Option<i32> {
    status.signal()
}
