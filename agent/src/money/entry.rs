//! The lines of the ledger's file. Times are milliseconds since 1970.

use serde::{Deserialize, Serialize};

use super::calendar::Month;
use super::usage::{Amount, Processor};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Entry {
    /// An Invoke is about to be sent.
    Begin(Begin),
    /// The agent `run` was alive, and so may be what it invoked.
    Alive {
        /// The agent's process.
        run: String,
        /// When.
        at: u64,
    },
    /// An invocation is over.
    End {
        /// That of its beginning.
        id: String,
        /// When.
        at: u64,
        /// What is charged; nothing for one that never ran.
        billed_ms: Option<u64>,
        /// The memory that is charged.
        memory_mb: u32,
    },
    /// A sum of what is over: of one account, month, region and processor.
    Sum(Sum),
}

/// An invocation's beginning, with all that is needed to count it if its end is never written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// Names it.
    pub id: String,
    /// The agent's process.
    pub run: String,
    /// The AWS account; absent while it is not known, and then it counts for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Where.
    pub region: String,
    /// On what.
    pub processor: Processor,
    /// The function's memory.
    pub memory_mb: u32,
    /// When.
    pub at: u64,
    /// When Lambda ends it at the latest.
    pub until: u64,
    /// How long after its agent was last alive it ends by itself.
    pub linger_ms: u64,
}

/// A sum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// The AWS account, as in [`Begin`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// When.
    pub month: Month,
    /// Where.
    pub region: String,
    /// On what.
    pub processor: Processor,
    /// Memory times time.
    pub mb_ms: u64,
    /// Invocations.
    pub requests: u64,
    /// Bytes that left AWS.
    pub bytes_out: u64,
}

impl Sum {
    /// What it comes to.
    pub fn amount(&self) -> Amount {
        Amount { mb_ms: self.mb_ms, requests: self.requests, bytes_out: self.bytes_out }
    }
}
