//! The local Lambda as a process of the agent's: started, told its options, and let go.
//!
//! Never: the process is not killed by the end of the agent. It sees the end of its standard input, takes no more
//! invocations and goes when the last one has ended.

use std::io;
use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::client::LocalCloud;
use super::options::{BadOptions, Options, Ready};
use crate::system::in_a_group_of_its_own;

/// How long the process may take from its start to its ready line: it binds some ports.
const READY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take to end its functions and write the bill when it is told to go at once.
const LAST_PATIENCE: Duration = Duration::from_millis(200);
/// Longest ready line, bytes: 250 regions of 200 addresses, 24 bytes each, and the frame.
const LONGEST_READY: u64 = 2 * 1024 * 1024;

/// Why the local Lambda could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It could not serve these.
    #[error(transparent)]
    Options(#[from] BadOptions),
    /// No argument vector.
    #[error("the local Lambda cannot be started: no program was named")]
    NoProgram,
    /// The program did not start or did not take its options.
    #[error("cannot start the local Lambda")]
    Spawn(#[source] io::Error),
    /// It ended, or said something else than its ready line. Its own standard error says why.
    #[error("the local Lambda did not become ready")]
    NotReady(#[source] io::Error),
}

/// A running local Lambda. Dropping it closes the standard input, so that the process goes after its last invocation.
#[derive(Debug)]
pub struct LocalLambda {
    /// Invokes there.
    pub client: LocalCloud,
    /// Addresses that exits must never reach: the Invoke API and every Runtime API.
    pub never: Vec<SocketAddr>,
    child: Child,
    stdin: Option<ChildStdin>,
}

impl LocalLambda {
    /// Tells it to take no more invocations, and to go after the last one.
    pub fn drain(&mut self) {
        self.stdin = None;
    }

    /// Resolves when the process has ended.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Drains it, and after `patience` ends it with whatever still runs. One that does not even end then is killed, and its
    /// functions with it.
    pub async fn stop(mut self, patience: Duration) -> io::Result<ExitStatus> {
        self.drain();
        if let Ok(status) = timeout(patience, self.child.wait()).await {
            return status;
        }
        terminate(&mut self.child)?;
        if let Ok(status) = timeout(LAST_PATIENCE, self.child.wait()).await {
            return status;
        }
        self.child.start_kill()?;
        self.child.wait().await
    }
}

/// Starts `argv` (`[exe, "local-lambda"]`) as a local Lambda and waits until it serves.
pub async fn start(argv: &[String], options: &Options) -> Result<LocalLambda, StartError> {
    options.check()?;
    let (mut child, mut stdin, stdout) = spawn(argv)?;
    let outcome = timeout(READY_TIMEOUT, introduce(&mut stdin, stdout, options)).await;
    let outcome = outcome.unwrap_or_else(|_| Err(StartError::NotReady(io::ErrorKind::TimedOut.into())));
    let ready = match outcome {
        Ok(ready) => ready,
        Err(error) => {
            // Best effort: one that has already ended cannot be killed, and is reaped by the runtime.
            let _ = child.start_kill();
            return Err(error);
        }
    };
    let client = LocalCloud::new(ready.listen, options);
    let never = std::iter::once(ready.listen).chain(ready.runtime_apis).collect();
    Ok(LocalLambda { client, never, child, stdin: Some(stdin) })
}

fn spawn(argv: &[String]) -> Result<(Child, ChildStdin, ChildStdout), StartError> {
    let (program, args) = argv.split_first().ok_or(StartError::NoProgram)?;
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
    in_a_group_of_its_own(&mut command);
    let mut child = command.spawn().map_err(StartError::Spawn)?;
    let pipes = child.stdin.take().zip(child.stdout.take());
    let (stdin, stdout) = pipes.ok_or_else(|| StartError::Spawn(io::ErrorKind::BrokenPipe.into()))?;
    Ok((child, stdin, stdout))
}

/// Writes the options, reads the ready line.
async fn introduce(stdin: &mut ChildStdin, stdout: ChildStdout, options: &Options) -> Result<Ready, StartError> {
    let mut line = serde_json::to_vec(options).map_err(|error| StartError::Spawn(error.into()))?;
    line.push(b'\n');
    stdin.write_all(&line).await.map_err(StartError::Spawn)?;
    let mut answer = String::new();
    BufReader::new(stdout.take(LONGEST_READY)).read_line(&mut answer).await.map_err(StartError::NotReady)?;
    serde_json::from_str(&answer).map_err(|error| StartError::NotReady(error.into()))
}

#[cfg(unix)]
fn terminate(child: &mut Child) -> io::Result<()> {
    use rustix::process::{Pid, Signal, kill_process};
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    pid.map_or(Ok(()), |pid| Ok(kill_process(pid, Signal::TERM)?))
}

/// It cannot be asked; its programs die with it.
#[cfg(not(unix))]
fn terminate(child: &mut Child) -> io::Result<()> {
    child.start_kill()
}
