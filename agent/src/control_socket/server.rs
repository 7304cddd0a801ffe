//! The agent's side: owns lock and socket, answers one request per connection.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::lock::{LockError, RunLock};
use super::place::Place;
use super::transport::{self, Listener};
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

    /// New exits now, or why there will be none at all. Regions that do not exist are reported as failed.
    fn rotate(&self, order: RotateOrder) -> impl Future<Output = Result<RotateReport, String>> + Send;

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

/// The open socket; as long as it exists, no other agent runs on the configuration. It goes before the lock does, so that
/// a successor's socket is never removed.
#[derive(Debug)]
pub struct ControlSocket {
    listener: Listener,
    path: PathBuf,
    _lock: RunLock,
}

impl ControlSocket {
    /// Takes the lock, then replaces what an agent that died may have left. Needs a runtime.
    pub fn open(place: &Place) -> Result<Self, OpenError> {
        let path = transport::address(&place.socket);
        let lock = RunLock::take(place, path.clone())?;
        let listener = Listener::bind(&path).map_err(|source| OpenError::Socket { path: path.clone(), source })?;
        Ok(Self { listener, path, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Answers for ever. Dropping the future ends every open question.
    pub async fn serve<A: Agent>(&self, agent: Arc<A>) {
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                Some(_) = open.join_next() => {}
                accepted = self.listener.accept(), if open.len() < MOST_CONNECTIONS => match accepted {
                    Ok(stream) => drop(open.spawn(answer(stream, Arc::clone(&agent)))),
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
async fn answer<A: Agent>(mut stream: impl AsyncRead + AsyncWrite + Unpin, agent: Arc<A>) {
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
                Ok(Ok(report)) => Answer::Rotate(report),
                Ok(Err(text)) => Answer::Error { text },
                Err(_) => Answer::Error { text: format!("no new exit within {} s", limit.as_secs()) },
            }
        }
    }
}
