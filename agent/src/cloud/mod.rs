//! The cloud as the agent sees it: invoke a function, and make later invocations start in new instances.
//!
//! Never: nothing outside this folder knows which cloud it talks to.

pub mod aws;
mod error;
pub mod generation;
pub mod local;
pub mod permissions;

use std::fmt;
use std::future::Future;

use bytes::Bytes;

pub use error::{CloudError, Reply, printable};
pub use generation::GENERATION;

/// A cloud that runs our function in several regions.
pub trait Cloud: Send + Sync + 'static {
    /// Invokes the function and waits for its answer: synchronous, with the log's tail, exactly one attempt.
    ///
    /// An invocation that started goes on when the returned future is dropped.
    fn invoke(&self, region: &str, payload: Bytes) -> impl Future<Output = Result<Answer, CloudError>> + Send;

    /// Changes the function's configuration so that later invocations start in new instances, and returns the new generation.
    fn raise_generation(&self, region: &str) -> impl Future<Output = Result<u64, CloudError>> + Send;

    /// How many invocations the region allows at a time, if that can be learned.
    fn concurrency(&self, region: &str) -> impl Future<Output = Option<u32>> + Send;
}

/// What an invocation that ran came to. A function error is an answer: the cloud did what it was asked.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// What the function answered, or the document that describes its error.
    pub payload: Bytes,
    /// `Unhandled` or `Handled` when the function failed, timed out or crashed.
    pub function_error: Option<String>,
    /// The last lines that the function logged, at most 4 KiB.
    pub log_tail: String,
    /// The cloud's name of the invocation.
    pub request_id: String,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("payload_bytes", &self.payload.len())
            .field("function_error", &self.function_error)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}
