//! The agent's side: owns lock and socket, answers one request per connection.

use std::fs;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::lock::{LockError, RunLock};
use super::place::Place;
use super::wire::{ASK_TIMEOUT, Answer, LONGEST_REQUEST, Nothing, Request, RotateOrder, RotateReport, receive, send};
use crate::status::model::Status;

/// Most questions answered at a time: the user's own commands, and a `--watch` or two.
const MOST_CONNECTIONS: usize = 16;

/// Pause after an accept that failed, so that a lack of descriptors does not become a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What can be asked of a running agent.
pub trait Agent: Send + Sync + 'static {
    /// How it is.
    fn status(&self) -> impl Future<Output = Status> + Send;

    /// New exits now. Regions that do not exist are reported as failed.
    fn rotate(&self, order: RotateOrder) -> impl Future<Output = RotateReport> + Send;

    /// Asks it to end as at the first signal; returns at once.
    fn stop(&self);
}

/// Why the socket could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The lock.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The directory or the socket.
    #[error("the control socket {} cannot be opened: {source}", path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The open socket; as long as it exists, no other agent runs on the configuration.
#[derive(Debug)]
pub struct ControlSocket {
    listener: UnixListener,
    file: SocketFile,
    _lock: RunLock,
}

/// The socket's name in the file system. Dropped before the lock, so that a successor's socket is never removed.
#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl ControlSocket {
    /// Takes the lock, then replaces what an agent that died may have left. Needs a runtime.
    pub fn open(place: &Place) -> Result<Self, OpenError> {
        let fail = |source| OpenError::Socket { path: place.socket.clone(), source };
        place.make_directories().map_err(fail)?;
        let lock = RunLock::take(&place.lock, &place.socket)?;
        match fs::remove_file(&place.socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(error)),
            _ => {}
        }
        let listener = UnixListener::bind(&place.socket).map_err(fail)?;
        let file = SocketFile(place.socket.clone());
        #[cfg(unix)]
        fs::set_permissions(&place.socket, std::os::unix::fs::PermissionsExt::from_mode(0o600)).map_err(fail)?;
        Ok(Self { listener, file, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &std::path::Path {
        &self.file.0
    }

    /// Answers for ever. Dropping the future ends every open question.
    pub async fn serve<A: Agent>(&self, agent: Arc<A>) {
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                Some(_) = open.join_next() => {}
                accepted = self.listener.accept(), if open.len() < MOST_CONNECTIONS => match accepted {
                    Ok((stream, _)) => drop(open.spawn(answer(stream, Arc::clone(&agent)))),
                    Err(error) => {
                        tracing::warn!(%error, "the control socket accepts nothing");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
    }
}

/// One connection. Who asks badly or leaves early is told, or not: nobody else depends on it.
async fn answer<A: Agent>(mut stream: UnixStream, agent: Arc<A>) {
    let request = match timeout(ASK_TIMEOUT, receive(&mut stream, LONGEST_REQUEST)).await {
        Ok(Ok(request)) => Ok(request),
        Ok(Err(error)) => Err(Answer::Error { text: format!("not a request: {error}") }),
        Err(_) => return,
    };
    let stop = matches!(request, Ok(Request::Stop(_)));
    let answer = match request {
        Ok(request) => act(request, agent.as_ref()).await,
        Err(answer) => answer,
    };
    let sent = timeout(ASK_TIMEOUT, send(&mut stream, &answer)).await;
    if !matches!(sent, Ok(Ok(()))) {
        tracing::debug!("who asked on the control socket did not wait for the answer");
    }
    if stop {
        agent.stop();
    }
}

async fn act<A: Agent>(request: Request, agent: &A) -> Answer {
    match request {
        Request::Status(Nothing {}) => Answer::Status(Box::new(agent.status().await)),
        Request::Stop(Nothing {}) => Answer::Stopping { pid: std::process::id() },
        Request::Rotate(order) => {
            let limit = order.timeout();
            match timeout(limit, agent.rotate(order)).await {
                Ok(report) => Answer::Rotate(report),
                Err(_) => Answer::Error { text: format!("no new exit within {} s", limit.as_secs()) },
            }
        }
    }
}
