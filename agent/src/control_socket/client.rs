//! The commands' side: finds the agent of a configuration and asks it one thing.

use std::io::{self, ErrorKind};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::holder::Holder;
use super::place::Place;
use super::transport;
use super::wire::{ASK_TIMEOUT, Answer, LONGEST_ANSWER, Nothing, Request, RotateOrder, RotateReport, receive, send};
use crate::status::model::Status;

/// Time beyond the agent's own, so that its answer "too late" still arrives.
const MARGIN: Duration = Duration::from_secs(5);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No agent runs on this configuration.
    #[error("not running; start it with `awslambdaproxy run`")]
    NotRunning,
    /// It runs, and does not answer in time.
    #[error("the agent does not answer")]
    Silent,
    /// It runs and refuses, with its own words.
    #[error("the agent says: {0}")]
    Refused(String),
    /// The socket, or an answer that is none.
    #[error("the agent cannot be asked: {0}")]
    Io(#[from] io::Error),
}

/// Asks the agent of one configuration.
#[derive(Debug, Clone)]
pub struct Client {
    place: Place,
}

impl Client {
    /// Of the agent at that place, if one runs.
    pub fn new(place: Place) -> Self {
        Self { place }
    }

    /// How it is.
    pub async fn status(&self) -> Result<Status, AskError> {
        match self.ask(Request::Status(Nothing {})).await? {
            Answer::Status(status) => Ok(*status),
            other => Err(strange(other)),
        }
    }

    /// New exits now.
    pub async fn rotate(&self, order: RotateOrder) -> Result<RotateReport, AskError> {
        match self.ask(Request::Rotate(order)).await? {
            Answer::Rotate(report) => Ok(report),
            other => Err(strange(other)),
        }
    }

    /// Asks it to end; the answer is its process, which ends soon after.
    pub async fn stop(&self) -> Result<u32, AskError> {
        match self.ask(Request::Stop(Nothing {})).await? {
            Answer::Stopping { pid } => Ok(pid),
            other => Err(strange(other)),
        }
    }

    async fn ask(&self, request: Request) -> Result<Answer, AskError> {
        let limit = request.timeout() + MARGIN;
        let exchange = async {
            let mut stream = self.connect().await?;
            send(&mut stream, &request).await.map_err(unanswered)?;
            receive(&mut stream, LONGEST_ANSWER).await.map_err(unanswered)
        };
        timeout(limit, exchange).await.map_err(|_| AskError::Silent)?
    }

    async fn connect(&self) -> Result<impl AsyncRead + AsyncWrite + Unpin, AskError> {
        let socket = Holder::read(&self.place.holder()).map_or_else(|| self.place.socket.clone(), |holder| holder.socket);
        match timeout(ASK_TIMEOUT, transport::connect(&socket)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
                Err(AskError::NotRunning)
            }
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(AskError::Silent),
        }
    }
}

/// An agent that hangs up without an answer has just ended.
fn unanswered(error: io::Error) -> AskError {
    match error.kind() {
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => AskError::NotRunning,
        _ => AskError::Io(error),
    }
}

fn strange(answer: Answer) -> AskError {
    match answer {
        Answer::Error { text } => AskError::Refused(text),
        _ => io::Error::new(ErrorKind::InvalidData, "it answered another question").into(),
    }
}
